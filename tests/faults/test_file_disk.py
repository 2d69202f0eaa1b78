"""A full disk, a killed landing: batches are there whole or not at all, the next run heals."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.errors import KpiError
from tests.support.exports import HEADER, order
from tests.support.homes import Home

LANDING = """
import sys
from pathlib import Path
from tests.support.homes import Home
home = Home(Path(sys.argv[1]))
print("ready", flush=True)
home.land()
print("done", flush=True)
"""


def deliver(home: Home, files: int, rows: int) -> None:
    dice = random.Random(5)
    for number in range(files):
        home.put(
            HEADER
            + "".join(
                order(number * rows + n, f"{dice.randint(1, 99_999)}.{dice.randint(10, 99)}",
                      buyer=f"b{dice.getrandbits(60)}")
                for n in range(rows)
            ),
            f"orders_{number:03}.csv",
        )  # fmt: skip


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of 1 MB."""
    mount = shutil.which("mount")
    folder = tmp_path / "disk"
    folder.mkdir()
    command = [str(mount), "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_tears_nothing_and_the_next_run_heals(tmp_path: Path, small_disk: Path) -> None:
    reference = Home(tmp_path / "reference")
    deliver(reference, files=24, rows=1_500)
    reference.land()
    home = Home(small_disk / "home")
    # The exports lie on another disk, as they would.
    home.paths.inbox.rmdir()
    home.paths.inbox.symlink_to(reference.paths.inbox)
    with pytest.raises(KpiError, match="the disk is full"):
        home.land()
    home.check()
    recorded = len(home.state.files())
    assert 0 < recorded < 24
    assert set(home.landed().items()) < set(reference.landed().items())
    assert not list(home.paths.landing.rglob("*.tmp"))
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    assert home.land()["files_landed"] == 24 - recorded
    assert home.landed() == reference.landed()


def test_a_ledger_without_room_says_so(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    home.put(HEADER + order(1))
    with monkeypatch.context() as patch:
        patch.setattr(home.state, "record", full)
        with pytest.raises(KpiError, match="the disk is full"):
            home.land()
    assert home.landed() == {}
    assert home.land()["files_landed"] == 1


def killed(home: Home, after: float) -> bool:
    """Land in a process of its own that is killed `after` seconds; False if it was done before."""
    process = subprocess.Popen(
        [sys.executable, "-c", LANDING, str(home.paths.home)], stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).parents[2], env={**os.environ, "PYTHONPATH": "."},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(after)
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGKILL)
    return process.stdout.read() == "" and process.wait() == -signal.SIGKILL


def kill_and_heal(tmp_path: Path, seed: int, kills: int) -> None:
    reference = Home(tmp_path / "reference")
    deliver(reference, files=40, rows=300)
    started = time.monotonic()
    reference.land()
    lasts = time.monotonic() - started
    home = Home(tmp_path / "home")
    deliver(home, files=40, rows=300)
    dice = random.Random(seed)
    hit = 0
    for _ in range(kills):
        hit += killed(home, dice.uniform(0.02, lasts / kills))
        home.check()
        assert set(home.landed().items()) <= set(reference.landed().items())
    assert hit
    home.land()
    assert home.landed() == reference.landed()


def test_a_killed_landing_leaves_whole_batches_and_the_next_run_heals(tmp_path: Path) -> None:
    kill_and_heal(tmp_path, seed=0, kills=2)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 21))
def test_a_killed_landing_heals_wherever_it_was_hit(tmp_path: Path, seed: int) -> None:
    kill_and_heal(tmp_path, seed, kills=5)
