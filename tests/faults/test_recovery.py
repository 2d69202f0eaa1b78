"""What a backup holds is enough: state, landing, key and shop.yml give the same marts elsewhere."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import shop

BACKUP = ("shop.yml", "data/state", "data/landing", "data/quarantine")


@pytest.mark.long
def test_a_backup_on_a_new_machine_gives_the_same_marts(
    finished_home: Path, tmp_path: Path
) -> None:
    text = (Path(__file__).parents[2] / "docs/operations.md").read_text()
    assert f"tar.gz {' '.join(BACKUP)}\n" in text
    home = tmp_path / "elsewhere"
    for name in BACKUP:
        source, target = finished_home / name, home / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        elif source.exists():
            shutil.copyfile(source, target)
    shop.run(home, shop.LAST_DAY, "--full")
    assert not list((home / "data/inbox").iterdir())
    assert shop.different(home, finished_home) == []


@pytest.mark.long
def test_a_lost_build_and_a_lost_generation_are_made_anew_by_one_command(
    copy_home: Callable[[str], Path], finished_home: Path
) -> None:
    home = copy_home("lost")
    for name in ("build", "published", "dagster"):
        shutil.rmtree(home / "data" / name)
    (home / "data/site").unlink()
    shop.run(home)
    assert shop.different(home, finished_home) == []
    before = (home / "data/published/current.duckdb").resolve()
    shop.run(home, shop.LAST_DAY, "--full")
    begun = time.monotonic()
    told = shop.kpi(home, "rollback", "--reason", "tried")
    assert told.returncode == 0, told.stderr
    assert time.monotonic() - begun < 5
    assert (home / "data/published/current.duckdb").resolve() == before
    assert "tried" in (home / "data/site/assets/status.js").read_text()
