"""What is wrong with the machine or with what is stored on it, and what to do about each.

`kpi doctor` tells all of it. Where an engine or the system ends a run or a command, the first of it
takes the place of words that name no file. Belongs here: looking, without changing anything. Does
not belong here: files of the inbox (ingestion refuses them), `shop.yml` (`config`).
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import duckdb

from orchestration.build import warehouse
from orchestration.build.integrity import is_as_published
from orchestration.config.machine import free_disk_mib
from orchestration.config.settings import Paths, Settings
from orchestration.errors import KpiError, config_error, disk_full, find_error, is_of_engine
from orchestration.ledger.losses import altered
from orchestration.ledger.state import State

_OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_OF_FOLDERS = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR}
# As engines and dbt say it, in lower case.
_FULL = ("no space left", "disk is full", "disk quota", "not enough disk space")
_DAMAGED = ("io error", "serialization error", "internal error", "fatal error", "parquet")


def named(error: BaseException, settings: Settings) -> KpiError | None:
    """What the machine or a store has to do with an error; None if nothing."""
    if known := find_error(error):
        return known
    chain = list(_chain(error))
    said = " ".join(str(one).lower() for one in chain)
    numbers = {one.errno for one in chain if isinstance(one, OSError)}
    if numbers & _OF_THE_DISK or any(word in said for word in _FULL):
        return full(settings.paths)
    if numbers & _OF_FOLDERS:
        return next(_folders(settings.paths, settings), None) or _of_file(chain)
    return next(damages(settings), None) if any(map(is_of_engine, chain)) else None


def of_words(said: Iterable[str], settings: Settings) -> KpiError | None:
    """The same of what dbt says of errors of its engine."""
    text = " ".join(said).lower()
    if any(word in text for word in _FULL):
        return full(settings.paths)
    return next(damages(settings), None) if any(word in text for word in _DAMAGED) else None


def _of_file(chain: Iterable[BaseException]) -> KpiError | None:
    found = next((one for one in chain if isinstance(one, OSError) and one.errno in _OF_FOLDERS),
                 None)  # fmt: skip
    if found is None or not found.filename:
        return None
    return config_error(str(found.strerror), str(found.filename), _OWN.format(found.filename))


def full(paths: Paths) -> KpiError:
    """A full disk, with how much of what a run needs is missing."""
    return disk_full(paths.data, warehouse.space_needed(paths), free_disk_mib(paths.data))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def troubles(settings: Settings) -> Iterator[KpiError]:
    """All that is wrong, the gravest first; reads every store as a whole."""
    yield from _folders(settings.paths, settings)
    yield from _space(settings.paths, settings)
    yield from damages(settings)


def damages(settings: Settings) -> Iterator[KpiError]:
    """Stores that are not as they were written, the gravest first."""
    for check in (_state, _landing, _build, _published, _history):
        yield from check(settings.paths, settings)


def _folders(paths: Paths, _: Settings) -> Iterator[KpiError]:
    for folder in paths.folders():
        if folder.exists() and not folder.is_dir():
            yield config_error("is no folder", str(folder), "Move it away and run again.")
        elif folder.is_dir() and not os.access(folder, os.R_OK | os.X_OK):
            yield config_error("cannot be read", str(folder), _OWN.format(folder))
        elif folder.is_dir() and folder != paths.inbox and not os.access(folder, os.W_OK):
            yield config_error("cannot be written to", str(folder), _OWN.format(folder))


_OWN = (
    "Run as the user who owns it, or: chown -R $USER {0}; see also that the disk is not read-only."
)


def _space(paths: Paths, _: Settings) -> Iterator[KpiError]:
    if free_disk_mib(paths.data) < warehouse.space_needed(paths):
        yield full(paths)


def _state(paths: Paths, _: Settings) -> Iterator[KpiError]:
    file = paths.state / "state.sqlite"
    if why := _damage_of_sqlite(file):
        yield config_error(
            f"the state is damaged ({why})",
            str(file),
            "Restore the folder from a backup (docs/operations.md); what has landed stays.",
        )


def _history(paths: Paths, _: Settings) -> Iterator[KpiError]:
    for file in sorted((paths.data / "dagster").rglob("*.db")):
        if why := _damage_of_sqlite(file):
            yield config_error(
                f"the history of runs is damaged ({why})",
                str(file),
                f"Delete {paths.data / 'dagster'}: nothing but that history is in it.",
            )
            return


def _damage_of_sqlite(file: Path) -> str:
    """What is wrong with a database of SQLite; empty if nothing, or if it is not there."""
    if not file.exists():
        return ""
    try:
        con = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=30)
        try:
            [(told,)] = con.execute("pragma quick_check(1)").fetchall()
        finally:
            con.close()
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if told == "ok" else "its pages do not fit together"


def _landing(paths: Paths, settings: Settings) -> Iterator[KpiError]:
    if not (paths.state / "state.sqlite").exists():
        return
    for batch, why in _quietly(lambda: altered(settings, State(paths.state))).items():
        yield config_error(
            f"landed batch {batch}: {why}",
            str(paths.landing),
            "The next run lands it again from the inbox, or says how.",
        )


def _quietly(work: Callable[[], dict[str, str]]) -> dict[str, str]:
    """What a damaged state cannot tell was told of the state."""
    try:
        return work()
    except sqlite3.DatabaseError:
        return {}


def _build(paths: Paths, _: Settings) -> Iterator[KpiError]:
    if paths.good_build.exists() and not _is_readable(paths.good_build):
        yield config_error(
            "the build file is damaged",
            str(paths.good_build),
            "kpi run --full makes it anew of what has landed; what is published stands.",
        )


def _published(paths: Paths, _: Settings) -> Iterator[KpiError]:
    others = "kpi rollback --to RUN serves another generation" if len(
        warehouse.generations(paths)) > 1 else "There is no older generation"  # fmt: skip
    if paths.current.is_symlink() and not paths.current.exists():
        what = "names a file that is gone"
    elif paths.current.exists() and not is_as_published(paths.current.resolve()):
        what = "is not as it was published"
    elif paths.current.exists() and not _is_readable(paths.current.resolve()):
        what = "is damaged"
    else:
        return
    yield config_error(
        f"the published file {what}",
        str(paths.current),
        f"{others}; kpi run --full publishes anew.",
    )


def _is_readable(file: Path) -> bool:
    """Whether each block of a database can be read; one a program is writing to is left alone."""
    try:
        with warehouse.connect(file, read_only=True) as con:
            for schema, table in con.execute(
                "select schema_name, table_name from duckdb_tables() where not internal"
            ).fetchall():
                con.execute(f'select bit_xor(hash(t)) from "{schema}"."{table}" as t').fetchall()
    except duckdb.Error as error:
        return "set lock" in str(error)
    return True
