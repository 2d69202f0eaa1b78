"""Damaged stores, full disks, folders that are not ours: each is named with what to do about it."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest

from orchestration.build import warehouse
from orchestration.errors import ExitCode, KpiError
from orchestration.run import open_run
from orchestration.trouble import named, of_words, troubles
from tests.support import shop
from tests.support.exports import HEADER, orders
from tests.support.homes import Home

FIRST, SECOND = "20260101T000000000001", "20260102T000000000001"


def publish(home: Home, run_id: str, rows: int = 200_000) -> None:
    """A build of some rows becomes the good one, and a generation."""
    with warehouse.connect(home.paths.working_build) as con:
        for schema in warehouse.PUBLISHED_SCHEMAS:
            con.execute(f"create schema if not exists {schema}")
        con.execute("create or replace table marts.fct_orders as"
                    f" select range as a, hash(range) as b from range({rows})")  # fmt: skip
        con.execute("create or replace table quality.run as select now()::timestamp as built_at")
    file = warehouse.write_generation(home.paths, run_id, {})
    warehouse.promote_build(home.paths)
    warehouse.point(home.paths.current, file)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a landed batch, a good build and two generations."""
    made = Home(tmp_path_factory.mktemp("sound"))
    made.put(HEADER + orders(20))
    made.land()
    for run_id in (FIRST, SECOND):
        publish(made, run_id)
    (made.paths.data / "dagster").mkdir()
    sqlite3.connect(made.paths.data / "dagster/runs.db").executescript("create table runs (a)")
    assert list(troubles(made.settings)) == []
    return made.paths.home


@pytest.fixture
def home(sound: Path, tmp_path: Path) -> Home:
    """A copy of it."""
    return Home(shutil.copytree(sound, tmp_path / "home", symlinks=True))


def scratch(file: Path) -> None:
    """Write over the middle half of a file: some blocks of a database are free."""
    file = file.resolve()
    file.chmod(0o600)
    with file.open("r+b") as stream:
        size = file.stat().st_size
        stream.seek(size // 4)
        stream.write(os.urandom(size // 2))


def cut(file: Path) -> None:
    file = file.resolve()
    file.chmod(0o600)
    os.truncate(file, file.stat().st_size // 3)


def landed(home: Home) -> Path:
    return next(home.paths.landing.rglob("data.parquet"))


def tear_state(home: Home) -> None:
    with sqlite3.connect(home.paths.state / "state.sqlite") as con:
        con.execute(
            "create table filler as with recursive n(a) as (select 1 union all"
            " select a + 1 from n where a < 20000) select a, hex(randomblob(20)) from n"
        )
    scratch(home.paths.state / "state.sqlite")  # fmt: skip


def take_away(home: Home) -> None:
    home.paths.current.resolve().unlink()


def change_figures(home: Home) -> None:
    file = home.paths.current.resolve()
    file.chmod(0o600)
    with duckdb.connect(str(file)) as con:
        con.execute("update marts.fct_orders set a = 0 where a = 1")


FAULTS: dict[str, tuple[Callable[[Home], object], str, str]] = {
    "state torn": (tear_state, "the state is damaged", "from a backup"),
    "state no database": (
        lambda home: (home.paths.state / "state.sqlite").write_bytes(b"no database" * 999),
        "the state is damaged (file is not a database)", "from a backup"),
    "landed scratched": (
        lambda home: scratch(landed(home)), "orders is not as it was landed", "lands it again"),
    "landed cut": (
        lambda home: cut(landed(home)), "orders is not as it was landed", "lands it again"),
    "build scratched": (
        lambda home: scratch(home.paths.good_build), "the build file is damaged", "kpi run --full"),
    "build cut": (
        lambda home: cut(home.paths.good_build), "the build file is damaged", "kpi run --full"),
    "build no database": (
        lambda home: home.paths.good_build.write_bytes(b"?" * 9999), "the build file is damaged",
        "kpi run --full"),
    "published scratched": (
        lambda home: scratch(home.paths.current), "the published file is not as it was published",
        "kpi rollback --to"),
    "published cut": (
        lambda home: cut(home.paths.current), "the published file is not as it was published",
        "kpi rollback --to"),
    "published changed": (
        change_figures, "the published file is not as it was published", "kpi run --full"),
    "published gone": (take_away, "the published file names a file that is gone", "publishes anew"),
    "history torn": (
        lambda home: (home.paths.data / "dagster/runs.db").write_bytes(b"?" * 9999),
        "the history of runs is damaged", "Delete"),
    "folder is a file": (
        lambda home: (shutil.rmtree(home.paths.outbox), home.paths.outbox.touch()),
        "is no folder", "Move it away"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_with_what_to_do_by_doctor_and_for_an_engine_that_fails(
    home: Home, fault: str
) -> None:
    break_it, what, do_this = FAULTS[fault]
    break_it(home)
    [told] = troubles(home.settings)
    assert what in told.what and do_this in told.do_this and told.where
    assert told.code is ExitCode.CONFIG
    if fault == "folder is a file":
        error: Exception = NotADirectoryError(errno.ENOTDIR, "x", str(home.paths.outbox))
    else:
        error = duckdb.IOException("what an engine says")
        assert of_words(["Runtime Error in model a: IO Error: b"], home.settings) == told
    assert named(error, home.settings) == told


@pytest.mark.parametrize("fault", ["state no database", "published cut"])
def test_a_command_that_fails_of_it_says_the_same(home: Home, fault: str) -> None:
    break_it, what, do_this = FAULTS[fault]
    break_it(home)
    for command in ("status", "doctor"):
        told = shop.kpi(home.paths.home, command)
        assert told.returncode != 0
        assert what in told.stdout + told.stderr and do_this in told.stdout + told.stderr
        assert "report" not in told.stderr


def test_an_error_of_the_code_is_not_blamed_on_the_machine(home: Home) -> None:
    assert named(ValueError("of the code"), home.settings) is None
    assert named(pl.exceptions.ComputeError("of a model"), home.settings) is None
    assert named(FileNotFoundError(errno.ENOENT, "x", "y"), home.settings) is None
    own = KpiError("known")
    assert named(own, home.settings) is own


FULL = [
    OSError(errno.ENOSPC, "No space left on device"),
    OSError(errno.EDQUOT, "Disk quota exceeded"),
    sqlite3.OperationalError("database or disk is full"),
    duckdb.IOException('Could not write file "x": No space left on device'),
    duckdb.OutOfMemoryException("failed to offload data block: not enough disk space"),
    pl.exceptions.ComputeError("No space left on device (os error 28)"),
]


@pytest.mark.parametrize("error", FULL, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("step", ["transform", "publish", "site", "alerts"])
def test_a_full_disk_is_told_as_one_with_what_is_missing(
    home: Home, monkeypatch: pytest.MonkeyPatch, error: Exception, step: str
) -> None:
    monkeypatch.setattr("orchestration.build.warehouse.free_disk_mib", lambda _: 1)
    monkeypatch.setattr("orchestration.trouble.free_disk_mib", lambda _: 1)
    needed = warehouse.space_needed(home.paths)
    assert needed > 64
    with (
        pytest.raises(KpiError, match=f"the disk is full: 1 MiB are free, a run needs {needed}, "
                                      f"{needed - 1} are missing") as told,
        open_run(home.settings) as run,
        run.step(step),
    ):  # fmt: skip
        raise error
    assert told.value.code is ExitCode.CONFIG
    assert run.failure == (step, told.value)


def test_a_run_that_would_not_fit_ends_before_it_begins(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = home.paths.good_build.read_bytes()
    monkeypatch.setattr("orchestration.build.warehouse.free_disk_mib", lambda _: 1)
    for fresh in (True, False):
        with pytest.raises(KpiError, match="are missing"):
            warehouse.begin_build(home.paths, fresh=fresh)
    assert home.paths.good_build.read_bytes() == before
    assert not home.paths.working_build.exists()


DRAFTS = ("outbox/.a.json.77.part", "published/.partial_x.duckdb", "build/working.duckdb.wal",
          "build/reading_marts_x.duckdb", "landing/orders/batch=1/.data.parquet.tmp",
          "quarantine/.1.parquet.tmp")  # fmt: skip


def test_the_next_start_clears_what_a_killed_run_has_begun(home: Home) -> None:
    for name in DRAFTS:
        file = home.paths.data / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"half")
    (home.paths.published / ".partial_site_x/assets").mkdir(parents=True)
    with open_run(home.settings):
        assert [name for name in DRAFTS if (home.paths.data / name).exists()] == []
        assert not (home.paths.published / ".partial_site_x").exists()


@pytest.fixture
def read_only(home: Home) -> Iterator[Path]:
    """The outbox on a disk that is mounted read-only."""
    folder = home.paths.outbox
    command = ["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, check=False).returncode:
        pytest.skip("this user may not mount a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_read_only_folder_is_named(home: Home, read_only: Path) -> None:
    [told] = troubles(home.settings)
    assert (told.what, told.where) == ("cannot be written to", str(read_only))
    error = OSError(errno.EROFS, "Read-only file system", str(read_only / "a"))
    assert named(error, home.settings) == told


def test_what_is_not_published_is_the_owners_alone(home: Home) -> None:
    def modes(*folders: Path) -> set[str]:
        files = [file for folder in folders for file in (folder, *folder.rglob("*"))]
        return {f"{stat.S_IMODE(file.stat().st_mode):o}" for file in files if not file.is_symlink()}

    paths = home.paths
    assert modes(paths.landing, paths.state, paths.build, paths.quarantine, paths.outbox,
                 paths.inbox, paths.truth) == {"700", "600"}  # fmt: skip
    assert modes(paths.published) == {"750", "440"}
    assert modes(paths.data) >= {"710"}
    paths.inbox.chmod(0o770)  # others deliver into it
    paths.state.chmod(0o755)
    paths.make()
    assert f"{stat.S_IMODE(paths.inbox.stat().st_mode):o}" == "770"
    assert f"{stat.S_IMODE(paths.state.stat().st_mode):o}" == "700"
