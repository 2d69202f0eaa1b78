"""Runs that die, collide or fail: readers keep one whole generation, a plain run mends all."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from dashboards.site import write_status
from orchestration.build.warehouse import run_lock
from orchestration.ledger.inbox import state_of
from tests.support import shop


def start(home: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "orchestration.cli.main", "run", "--date",
         shop.LAST_DAY.isoformat()],
        env=shop.environment(home), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip


def generation(home: Path) -> tuple[object, ...]:
    """What a reader sees: run id and figures that must belong to it."""
    return shop.query(
        home,
        """
        select (select run_id from quality.run), (select max(business_date) from marts.fct_orders),
            (select sum(gmv) from marts.fct_gmv_daily where dimension = 'all'),
            (select sum(paid_amount) from marts.fct_orders)""",
    )[0]


STEPS = (
    "starting Dagster",
    "ingest",
    "transform",
    "insights",
    "audit",
    "publish",
    "site",
    "alerts",
)


KILLED: dict[str, Callable[[int, int], None]] = {"group": os.killpg, "main": os.kill}


def left_over(home: Path) -> list[str]:
    """What is begun and not ended below data/, and processes of the data folder."""
    data = home / "data"
    drafts = [p for p in data.rglob(".*") if p.name != ".site.new" and "inbox" not in p.parts]
    drafts += [p for p in (data / "build").iterdir() if p.name not in ("good.duckdb", "dbt_target")]
    mark = f"KPI_HOME={home}".encode()
    return [*map(str, drafts), *(folder.name for folder in Path("/proc").glob("[0-9]*")
                                 if mark in environment_of(folder))]  # fmt: skip


def environment_of(process: Path) -> list[bytes]:
    try:
        return (process / "environ").read_bytes().split(b"\0")
    except OSError:  # it has ended, or is not ours
        return []


def kill_and_mend(home: Path, step: str, seconds: float, reference: Path, whom: str) -> None:
    """Kill a run so many seconds after it told that a step begins, and run anew at once."""
    old = generation(home)
    assert old[2] == old[3]
    process = start(home)
    assert process.stderr is not None
    told = next(line for line in process.stderr if line.strip() == f"{step} ...".encode())
    assert told
    time.sleep(seconds)
    is_under_way = process.poll() is None
    with contextlib.suppress(ProcessLookupError):
        KILLED[whom](process.pid, signal.SIGKILL)
    process.wait()
    assert is_under_way or step == "alerts"
    seen = generation(home)
    assert seen == old or (seen[1] == shop.LAST_DAY and seen[2] == seen[3])
    shop.run(home)
    assert shop.different(home, reference) == []
    assert left_over(home) == []


def test_a_killed_run_leaves_no_trace(begun_home: Path, finished_home: Path) -> None:
    kill_and_mend(begun_home, "transform", random.Random(0).uniform(0, 4), finished_home, "main")


@pytest.mark.long
@pytest.mark.parametrize("whom", KILLED)
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("n", range(13))
def test_a_killed_run_leaves_no_trace_anywhere(
    begun_home: Path, finished_home: Path, step: str, n: int, whom: str
) -> None:
    longest = 5 if step == "transform" else 0.3
    seconds = random.Random(f"{step} {n}").uniform(0, longest)
    kill_and_mend(begun_home, step, seconds, finished_home, whom)


def test_a_run_leaves_with_code_7_while_another_holds_the_lock(finished_home: Path) -> None:
    with run_lock(finished_home / "data/state", "other"):
        refused = shop.kpi(finished_home, "run")
    assert refused.returncode == 7
    assert "another run holds the lock (run other" in refused.stderr


@pytest.mark.long
def test_a_second_run_leaves_with_code_7_or_waits(begun_home: Path) -> None:
    home, lock = begun_home, begun_home / "data/state/run.lock"
    lock.write_text("")  # what the last run wrote into it would look like the first run's
    first = start(home)
    assert first.stderr is not None
    Thread(target=first.stderr.read, daemon=True).start()  # or it waits for a reader
    deadline = time.monotonic() + 60
    while "probe" in lock.read_text() or not lock.read_text():
        assert time.monotonic() < deadline and first.poll() is None
        time.sleep(0.1)
    second = shop.kpi(home, "run")
    assert second.returncode == 7, second.stderr
    assert "another run holds the lock" in second.stderr
    waiting = shop.kpi(home, "run", "--date", shop.LAST_DAY.isoformat(), "--wait", "300")
    assert waiting.returncode == 0, waiting.stderr
    assert first.wait() == 0


def published(home: Path) -> dict[Path, int]:
    """Published files of figures, and when each was last changed."""
    return {p: p.stat().st_mtime_ns for p in (home / "data/published").glob("marts_*")}


def test_a_run_with_nothing_to_do_ends_before_dagster_begins(
    copy_home: Callable[[str], Path],
) -> None:
    """What was copied has other instants of change, so the first run looks into the files."""
    home = copy_home("again")
    before, files, status = generation(home), published(home), home / "data/site/assets/status.js"
    for looks in (True, False):
        write_status(home / "data/site", "failed", None, "audit", "Of a run before.")
        told = shop.kpi(home, "run", "--date", shop.LAST_DAY.isoformat())
        assert told.returncode == 0, told.stderr
        assert "nothing new since the last good build" in told.stderr
        assert ("starting Dagster" in told.stderr) == looks
        assert '"state": "ok"' in status.read_text().replace('":"', '": "')
        assert published(home) == files != {}
    assert generation(home) == before


def test_a_file_replaced_by_one_of_its_size_and_time_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "shop" / "orders.csv"
    file.parent.mkdir()
    file.write_text("1,2\n")
    seen, at = state_of(tmp_path), file.stat()
    assert state_of(tmp_path) == seen
    file.write_text("1,3\n")
    os.utime(file, ns=(at.st_atime_ns, at.st_mtime_ns))
    assert state_of(tmp_path) != seen
