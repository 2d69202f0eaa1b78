"""One small shop, simulated and run once; tests work on copies of it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from tests.support import shop


@pytest.fixture(scope="session")
def finished_home(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A data folder after one good run on everything the small shop exported. Do not change it."""
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "finished"
    with FileLock(f"{shared}.lock"):  # the first worker that needs it makes it for all
        home = shared / "home"
        if not (shared / "done").exists():
            shop.deliver(shop.new_home(home))
            shop.run(home)
            (shared / "done").touch()
    return home


@pytest.fixture
def copy_home(finished_home: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Makes copies of the finished data folder."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(finished_home, tmp_path / name, symlinks=True))

    return copy
