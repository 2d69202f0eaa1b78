"""One small shop, simulated and run once; tests work on copies of it."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support import shop
from tests.support.once import once


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole runs first: workers that end with many small modules end together."""
    runs = {"finished_home", "begun_home"}
    items.sort(key=lambda item: "pipeline" not in item.path.parts
               and not runs & set(getattr(item, "fixturenames", ())))  # fmt: skip


def _finish(home: Path) -> None:
    shop.deliver(shop.new_home(home))
    shop.run(home, **shop.trapped(home))


def _begin(home: Path) -> None:
    day = shop.LAST_DAY - timedelta(days=2)
    shop.deliver(shop.new_home(home), day)
    shop.run(home, day)
    shop.deliver(home)


@pytest.fixture(scope="session")
def finished_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder after one good run on everything the small shop exported. Do not change it."""
    return once(tmp_path_factory, "finished", _finish)


@pytest.fixture
def begun_home(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    """A copy of a data folder run two days before the last, the files of those days delivered."""
    begun = once(tmp_path_factory, "begun", _begin)
    return Path(shutil.copytree(begun, tmp_path / "begun", symlinks=True))


@pytest.fixture
def copy_home(finished_home: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Makes copies of the finished data folder."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(finished_home, tmp_path / name, symlinks=True))

    return copy
