"""The demo company: same bytes for the same day, whatever else is simulated; planted truths."""

from __future__ import annotations

import csv
import gzip
import hashlib
import os
import re
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from simulator.run import SimulationReport, default_window, simulate
from simulator.truth import load_simulation

START = date(2026, 9, 1)
HISTORY = date(2026, 10, 31)
AS_OF = date(2026, 11, 16)
SCALE = 0.05
CHECKOUT = Path(__file__).parents[2]


def run(root: Path, as_of: date = AS_OF, **changes: Any) -> SimulationReport:
    window = {"start": START, "history_until": HISTORY, "as_of": as_of, "scale": SCALE}
    return simulate(root, **{**window, **changes})


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run(root := tmp_path_factory.mktemp("demo"))
    return root


def hashes(root: Path) -> dict[str, str]:
    found = sorted(path for path in (root / "inbox").rglob("*") if path.is_file())
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found
    }


def test_a_later_day_only_adds_files(demo: Path, tmp_path: Path) -> None:
    run(tmp_path, AS_OF - timedelta(days=3))
    before = hashes(tmp_path)
    for days in (2, 1, 0):
        run(tmp_path, AS_OF - timedelta(days=days))
    after = hashes(tmp_path)
    # thirteen exports a day; on Sunday, the second of the days, those of the week
    assert len(after) == len(before) + 3 * 13 + 20
    assert {name: after[name] for name in before} == before
    assert after == hashes(demo)


def test_a_lost_file_comes_back_byte_by_byte(demo: Path, tmp_path: Path) -> None:
    whole = hashes(demo)
    run(tmp_path)
    gone = ["ga4/events_20261105.json.gz", "ga4/events_202610.parquet"]
    gone += ["tmall/ExportOrderList_2026_20261101020000.csv"]
    for name in gone:
        (tmp_path / "inbox" / name).unlink()
    report = run(tmp_path)
    assert {str(path) for path in report.written} == {f"inbox/{name}" for name in gone}
    assert hashes(tmp_path) == whole


def test_another_process_writes_the_same_bytes(demo: Path, tmp_path: Path) -> None:
    code = (
        "from datetime import date; from pathlib import Path; import sys;"
        "from simulator.run import simulate;"
        f"simulate(Path(sys.argv[1]), start=date({START:%Y,%-m,%-d}), scale={SCALE},"
        f"history_until=date({HISTORY:%Y,%-m,%-d}), as_of=date({AS_OF:%Y,%-m,%-d}))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "1", "POLARS_MAX_THREADS": "1"}
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], check=True, cwd=CHECKOUT, env=environment
    )
    assert hashes(tmp_path) == hashes(demo)


def test_two_processes_write_the_same_bytes(demo: Path, tmp_path: Path) -> None:
    report = run(tmp_path, workers=2)
    assert hashes(tmp_path) == hashes(demo)
    assert {str(path) for path in report.written} == set(hashes(demo))


def test_a_day_is_the_same_whenever_the_data_begin(demo: Path, tmp_path: Path) -> None:
    run(tmp_path, start=START - timedelta(days=62))
    mine, other = hashes(demo), hashes(tmp_path)
    daily = [name for name in mine if re.search(r"_202611\d\d[_.]", name)]
    # refunds and closings of orders from before the start are in one of them only
    old = re.compile("refund|rder|inventory|platform_daily|shipments|settlements|tickets|reviews")
    daily = [name for name in daily if not old.search(name)]
    weekly, monthly = {"customers", "coupon", "live", "exposures", "fx", "service"}, 5
    assert len(daily) == 16 * 5 + 3 * (len(weekly) + 2) + monthly  # two shops have the first two
    assert {name: other[name] for name in daily} == {name: mine[name] for name in daily}
    assert {name for name in weekly if not any(name in path for path in daily)} == set()
    october = "inbox/ga4/events_202610.parquet"
    assert mine[october] == other[october]


def test_another_seed_is_another_company(demo: Path, tmp_path: Path) -> None:
    run(tmp_path, seed=8)
    mine, other = hashes(demo), hashes(tmp_path)
    same = {name for name in mine if mine[name] == other.get(name)}
    drawn = [name for name in same if "ga4" in name or "rder" in name or "shop_traffic" in name]
    assert drawn == []
    assert len(same) < len(mine) / 3


def test_nothing_to_do_writes_nothing(demo: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (demo / "inbox").rglob("*.*")}
    report = run(demo)
    assert report.written == ()
    assert report.kept == len(before)
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_no_partial_file_stays(demo: Path) -> None:
    assert not [path for path in demo.rglob("*") if path.name.startswith(".")]


def test_windows() -> None:
    assert default_window(date(2026, 11, 21)) == (date(2024, 9, 1), date(2026, 11, 11))
    for shift in range(400):
        as_of = date(2026, 1, 1) + timedelta(days=shift)
        start, history_until = default_window(as_of)
        assert start.day == 1
        assert 800 <= (as_of - start).days <= 831
        assert (as_of - history_until).days == 10


def test_history_may_end_within_a_month(demo: Path, tmp_path: Path) -> None:
    run(tmp_path, history_until=date(2026, 11, 10))
    daily, mixed = hashes(demo), hashes(tmp_path)
    after = [name for name in daily if re.search(r"_202611(1[1-6])[_.]", name)]
    assert len(after) == 6 * 13
    assert {name: mixed[name] for name in after} == {name: daily[name] for name in after}
    cut = (tmp_path / "inbox/ga4").glob("events_202611.parquet")
    rows = sum(pl.scan_parquet(path).select(pl.len()).collect().item() for path in cut)
    lines = 0
    for day in range(1, 11):
        with gzip.open(demo / f"inbox/ga4/events_202611{day:02}.json.gz") as file:
            lines += sum(1 for _ in file)
    assert rows == lines > 1000


def test_impossible_dates_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="lies before"):
        run(tmp_path, HISTORY - timedelta(days=1))


def test_the_truth_is_written_beside(demo: Path) -> None:
    known = load_simulation(demo)
    assert known is not None
    assert (known.seed, known.start, known.history_until, known.as_of) == (7, START, HISTORY, AS_OF)
    assert load_simulation(demo / "nowhere") is None
    with (demo / "truth/incidents.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = "incident_id kind start_date end_date platform dimension segment metric factor"
    assert [*rows[0]] == columns.split()
    assert all(START <= date.fromisoformat(row["start_date"]) <= AS_OF for row in rows)
