"""Runs that die, collide or fail: readers keep one whole generation, a plain run mends all."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestration.build.warehouse import run_lock
from tests.support import shop


def start(home: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "orchestration.cli.main", "run", "--date",
         shop.LAST_DAY.isoformat()],
        env=shop.environment(home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
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


def kill_and_mend(home: Path, seconds: float, reference: Path) -> None:
    old = generation(home)
    assert old[2] == old[3]
    process = start(home)
    time.sleep(seconds)
    # The whole group: dbt runs as a child of the run.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    seen = generation(home)
    assert seen == old or (seen[1] == shop.LAST_DAY and seen[2] == seen[3])
    shop.run(home)
    assert shop.different(home, reference) == []


def test_a_killed_run_leaves_no_trace(begun_home: Path, finished_home: Path) -> None:
    kill_and_mend(begun_home, random.Random(0).uniform(8, 30), finished_home)


@pytest.mark.long
@pytest.mark.parametrize("n", range(1, 26))
def test_a_killed_run_leaves_no_trace_anywhere(
    begun_home: Path, finished_home: Path, n: int
) -> None:
    kill_and_mend(begun_home, random.Random(n).uniform(0.5, 45), finished_home)


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
