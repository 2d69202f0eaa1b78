"""A shop to land damaged files in."""

from pathlib import Path

import pytest

from tests.support.exports import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)
