"""A shop to land damaged files in, and a data folder with its ledger."""

from pathlib import Path

import pytest

from tests.support.exports import Shop
from tests.support.homes import Home


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")
