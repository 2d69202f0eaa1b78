"""One small shop, simulated and run once; tests work on copies of it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import shop


@pytest.fixture(scope="session")
def finished_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder after one good run on everything the small shop exported. Do not change it."""
    home = shop.new_home(tmp_path_factory.mktemp("shop") / "home")
    shop.deliver(home)
    shop.run(home)
    return home


@pytest.fixture
def copy_home(finished_home: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Makes copies of the finished data folder."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(finished_home, tmp_path / name, symlinks=True))

    return copy
