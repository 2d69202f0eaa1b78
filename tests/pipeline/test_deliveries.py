"""Arrival does not matter: any order, any repetition, day by day or all at once, same marts."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support import shop


def test_day_by_day_equals_all_at_once(begun_home: Path, finished_home: Path) -> None:
    shop.run(begun_home)
    assert shop.different(begun_home, finished_home) == []


@pytest.mark.long
def test_files_in_reverse_order_and_twice_change_no_cell(
    finished_home: Path, tmp_path: Path
) -> None:
    home = shop.new_home(tmp_path / "reverse")
    source = tmp_path / "all"
    shutil.copytree(finished_home / "data/inbox", source)
    files = sorted((p for p in source.rglob("*") if p.is_file()), key=lambda p: p.name[::-1])
    half = len(files) // 2
    for part in (files[half:], files[:half]):
        for file in part:
            target = home / "data/inbox" / file.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
        shop.run(home)
    for file in files[:5]:  # the same content under another name is the same delivery
        head, _, tail = file.name.rpartition("_")  # the tail is the export instant
        folder = (home / "data/inbox" / file.relative_to(source)).parent
        shutil.copyfile(file, folder / f"{head}_again_{tail}")
    shop.run(home)
    assert shop.different(home, finished_home, closed_alike=False) == []


@pytest.mark.long
def test_incremental_runs_equal_full_ones(finished_home: Path, tmp_path: Path) -> None:
    home = shop.new_home(tmp_path / "incremental")
    with (home / "shop.yml").open("a") as config:
        config.write("\nbuild:\n  mode: incremental\n")
    for days_before in (10, 5, 3, 2, 1, 0):
        day = shop.LAST_DAY - timedelta(days=days_before)
        shop.deliver(home, day)
        shop.run(home, day)
    assert shop.different(home, finished_home) == []
    # Purchases are then those counted before, with those of new batches.
    assert shop.query(home, "select tests_cover from quality.run") == [("changed rows",)]
    counted = "from quality.reconciliation_daily order by all"
    assert shop.query(home, counted) == shop.query(finished_home, counted)


@pytest.mark.long
def test_a_rejected_batch_is_as_if_it_had_never_come(
    finished_home: Path, copy_home: Callable[[str], Path], tmp_path: Path
) -> None:
    home = copy_home("reject")
    [(batch, name)] = shop.query(
        home,
        """
        select batch_id, source_file from quality.ingest_files
        where source_file like 'tmall/ExportOrderList%' order by source_file desc limit 1""",
    )
    assert shop.kpi(home, "reject", batch).returncode == 0
    shop.run(home)
    without = shop.new_home(tmp_path / "without")
    shutil.copytree(finished_home / "data/inbox", without / "data/inbox", dirs_exist_ok=True)
    (without / "data/inbox" / name).unlink()
    shop.run(without)
    assert shop.different(home, without, closed_alike=False) == []
