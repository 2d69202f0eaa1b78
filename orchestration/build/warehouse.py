"""The files of the warehouse: run lock, private build file, published generations, rollback.

A run works on a copy of the last good build. Passed its audit, the copy becomes the good build and
its marts a new published generation; failed, the copy is deleted and nothing readers see moves.
Two orders matter and are kept here alone: a published file is complete, checkpointed and synced
before anything points at it, and every pointer moves by an atomic rename of a symlink.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import polars as pl

from orchestration.build.integrity import digest_of, discard_copies, write_digest
from orchestration.config.machine import free_disk_mib, memory_mib
from orchestration.config.settings import Paths
from orchestration.errors import ExitCode, KpiError, allowed, disk_full

Query = Callable[[str], pl.DataFrame]
PUBLISHED_SCHEMAS = ("marts", "insights", "quality")
# Clients of DuckDB 1.2 and later can open the published file.
STORAGE_VERSION = "v1.2.0"
# What a question to the published file may spill, at most half of the disk that is free for it.
SPILL_MIB = 4096
_SLACK = 64 << 20  # pages, logs and what a first build begins with


@contextmanager
def run_lock(state_folder: Path, run_id: str, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold the one lock of a data folder; the death of the process releases it.

    Raises:
        KpiError: another run holds the lock after `wait_seconds`.
    """
    state_folder.mkdir(parents=True, exist_ok=True)
    with (state_folder / "run.lock").open("a+", encoding="utf-8") as lock:
        deadline = time.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    lock.seek(0)
                    raise KpiError(
                        f"another run holds the lock ({lock.read().strip() or 'just started'})",
                        str(state_folder / "run.lock"),
                        "Wait for it to end, or use --wait SECONDS.",
                        ExitCode.LOCK_HELD,
                    ) from None
                time.sleep(0.2)
        lock.seek(0)
        lock.truncate()
        lock.write(f"run {run_id}, process {os.getpid()}\n")
        lock.flush()
        yield


# Of the connections of this process, as DuckDB names its settings; empty: DuckDB's own defaults.
_limits: dict[str, Any] = {}


def limit(limits: Mapping[str, Any]) -> None:
    """Let no connection of this process take more."""
    _limits.update(limits)


@contextmanager
def connect(file: Path, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A short connection; nothing keeps a DuckDB file open between two steps of a run."""
    con = duckdb.connect(str(file), read_only=read_only)
    try:
        con.execute("set TimeZone = 'UTC'")
        for name, value in _limits.items():  # set later: other connections have other limits
            con.execute(f"set {name} = '{value}'")
        yield con
    finally:
        con.close()


@contextmanager
def connect_published(current: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only, sandboxed connection: no files, no network, no change of its limits.

    Raises:
        KpiError: nothing has been published yet, or a program has it open for writing.
    """
    if not current.exists():
        raise KpiError(
            "nothing has been published yet", str(current), "Run `kpi run` first.", ExitCode.USAGE
        )
    try:
        con = duckdb.connect(str(current.resolve()), read_only=True)
    except duckdb.IOException as error:
        if "set lock" not in str(error):
            raise
        raise KpiError(
            "another program has opened it for writing",
            str(current),
            "Close it there, and open it read-only: it must not change.",
        ) from None
    # By default it would spill beside the published file, without a limit.
    with TemporaryDirectory(prefix="kpi-sql-") as spill:
        most = min(SPILL_MIB, free_disk_mib(Path(spill)) // 2)
        con.execute(
            f"set temp_directory = {literal(spill)}; set max_temp_directory_size = '{most}MiB'"
        )
        # The order matters: the time zone needs an extension, the lock has to come last.
        con.execute(f"set TimeZone = 'UTC'; set memory_limit = '{memory_mib() // 4}MiB'")
        con.execute("set enable_external_access = false; set lock_configuration = true")
        try:
            yield con
        finally:
            con.close()


def begin_build(paths: Paths, *, fresh: bool) -> None:
    """Make the working build: a copy of the good one, or an empty file for a full rebuild.

    Raises:
        KpiError: the disk is too full for a second copy.
    """
    discard_build(paths)
    needed, free = space_needed(paths), free_disk_mib(paths.data)
    if free < needed:
        raise disk_full(paths.data, needed, free)
    if not paths.good_build.exists() or fresh:
        return
    shutil.copyfile(paths.good_build, paths.working_build)


def space_needed(paths: Paths) -> int:
    """MiB that a run takes at most beside what is there: a second build, a further generation."""
    sizes = [_SLACK]
    if paths.good_build.exists():
        sizes.append(2 * paths.good_build.stat().st_size)
    if paths.current.exists():
        sizes.append(paths.current.stat().st_size)
    return sum(sizes) >> 20


def clear_drafts(paths: Paths) -> None:
    """Delete what killed runs have begun to write; the caller holds the lock."""
    discard_build(paths)
    for folder, pattern in _DRAFTS:
        for draft in (paths.data / folder).glob(pattern):
            shutil.rmtree(draft) if draft.is_dir() else draft.unlink(missing_ok=True)


_DRAFTS = (
    ("outbox", ".*.part"), ("published", ".partial_*"), ("landing", "*/batch=*/.*"),
    ("quarantine", ".*"),
)  # fmt: skip


def discard_build(paths: Paths) -> None:
    """Delete the working build, what DuckDB may have left beside it, and copies of readers."""
    discard_copies(paths)
    for leftover in paths.working_build.parent.glob(paths.working_build.name + "*"):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()


def promote_build(paths: Paths) -> None:
    """The working build becomes the good one."""
    _checkpoint(paths.working_build)
    _sync(paths.working_build)
    paths.working_build.replace(paths.good_build)
    _sync(paths.good_build.parent)


def write_generation(
    paths: Paths, run_id: str, comments: Mapping[str, str], kept: Mapping[str, str] | None = None
) -> Path:
    """Write the public schemas of the working build into a new published file.

    Args:
        paths: the data folder.
        run_id: names the file.
        comments: "schema.table" or "schema.table.column" -> description, shown by SQL clients.
        kept: "schema.table" -> condition on rows that stand in the current generation as in the
            working build. None: it was not the current generation that the build was made from.

    Returns:
        The complete file. Nothing points at it yet.
    """
    target = paths.published / f"marts_{run_id}.duckdb"
    partial = target.with_name(f".partial_{run_id}.duckdb")
    partial.unlink(missing_ok=True)
    if kept is not None:
        # Copying bytes costs a fiftieth of writing the rows, most of which are sessions long gone.
        shutil.copyfile(paths.current, partial)
        partial.chmod(0o600)
    with connect(paths.working_build) as con:
        con.execute(f"attach {literal(partial)} as public (storage_version '{STORAGE_VERSION}')")
        tables, held = (_public_tables(con, database) for database in (_name_of(con), "public"))
        for schema, table in held:
            if (schema, table) not in tables:
                con.execute(f'drop table public.{schema}."{table}"')
        for schema in PUBLISHED_SCHEMAS:
            con.execute(f"create schema if not exists public.{schema}")
        for schema, table in tables:
            rows = (kept or {}).get(f"{schema}.{table}")
            _write(con, f'{schema}."{table}"', rows if (schema, table) in held else None)
        _comment(con, comments)
        con.execute("checkpoint public")
        con.execute("detach public")
    seal(partial, target)
    return target


def _name_of(con: duckdb.DuckDBPyConnection) -> str:
    [(name,)] = con.execute("select current_database()").fetchall()
    return str(name)


def _public_tables(con: duckdb.DuckDBPyConnection, database: str) -> list[tuple[str, str]]:
    return con.execute(
        "select table_schema, table_name from information_schema.tables"
        " where table_catalog = ? and table_schema in (select unnest(?)) order by all",
        [database, list(PUBLISHED_SCHEMAS)],
    ).fetchall()


def _write(con: duckdb.DuckDBPyConnection, table: str, kept: str | None) -> None:
    """Write a table of the working build into the file attached as `public`."""
    if kept is None:
        con.execute(f"create or replace table public.{table} as from {table}")
        return
    con.execute(f"delete from public.{table} where ({kept}) is not true")
    con.execute(f"insert into public.{table} by name from {table} where ({kept}) is not true")


def seal(partial: Path, target: Path) -> None:
    """Give a database that is written its name: complete, read-only, synced, its digest beside it.

    Raises:
        KpiError: it was not checkpointed.
    """
    if partial.with_name(partial.name + ".wal").exists():
        raise KpiError("the published file kept a write-ahead log", str(partial))
    digest = write_digest(partial, target)
    for file in (partial, digest):
        file.chmod(0o440)
        _sync(file)
    partial.replace(target)
    _sync(target.parent)


def _comment(con: duckdb.DuckDBPyConnection, comments: Mapping[str, str]) -> None:
    """Describe all tables and columns of the file attached as `public`."""
    columns = con.execute(
        "select schema_name, table_name, column_name from duckdb_columns()"
        " where database_name = 'public' and not internal order by all"
    ).fetchall()
    tables = dict.fromkeys((schema, table) for schema, table, _ in columns)
    named = [(f"{schema}.{table}", f'table public.{schema}."{table}"') for schema, table in tables]
    named += [
        (f"{schema}.{table}.{column}", f'column public.{schema}."{table}"."{column}"')
        for schema, table, column in columns
    ]
    told = [f"comment on {what} is {literal(comments[name])}"
            for name, what in named if comments.get(name)]  # fmt: skip
    con.execute(";\n".join(["begin", *told, "commit"]))  # each by itself costs twice as much


def share(path: Path) -> None:
    """Let the group read what is published: a file, or a folder with all that is in it."""
    for one in (path, *path.rglob("*")):
        one.chmod(0o750 if one.is_dir() else 0o640)


def point(link: Path, target: Path) -> None:
    """Let the symlink `link` name `target` from one moment to the next."""
    temporary = link.with_name(f".{link.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(os.path.relpath(target, link.parent))
    if link.is_dir() and not link.is_symlink():
        shutil.rmtree(link)
    temporary.replace(link)
    _sync(link.parent)


def generations(paths: Paths) -> list[str]:
    """Run ids of the published generations that have a database, oldest first."""
    return sorted(
        file.stem.removeprefix("marts_") for file in paths.published.glob("marts_*.duckdb")
    )


def current_generation(paths: Paths) -> str | None:
    """Run id that `current.duckdb` points at."""
    return paths.current.resolve().stem.removeprefix("marts_") if paths.current.exists() else None


def rollback(paths: Paths, to: str = "") -> str:
    """Point database and pages at another generation; returns its run id.

    Args:
        paths: the data folder.
        to: its run id, older or newer; by default that of the one before the current one.

    Raises:
        KpiError: there is no such or no older generation.
    """
    current, kept = current_generation(paths), generations(paths)
    if to:
        allowed("--to", to, kept)
        older = [to]
    else:
        older = [run_id for run_id in kept if current and run_id < current]
    if not older:
        raise KpiError(
            "there is no older generation to go back to",
            str(paths.published),
            f"Kept are: {', '.join(kept) or 'none'}.",
            ExitCode.USAGE,
        )
    run_id = older[-1]
    point(paths.current, paths.published / f"marts_{run_id}.duckdb")
    if (pages := paths.published / f"site_{run_id}").exists():
        point(paths.site, pages)
    return run_id


def drop_old_generations(paths: Paths, keep: int, pinned: str | None = None) -> None:
    """Delete all but the newest `keep` generations, never what readers see or a person pinned."""
    # Pages stay behind the database where runs were killed between the two.
    pages = paths.site.resolve().name.removeprefix("site_")
    held = generations(paths)
    kept = {*held[-keep:], current_generation(paths), pages}
    # Erasing a person names a generation anew: RUN_1 takes the place of RUN.
    kept |= {one for one in held if pinned and one.partition("_")[0] == pinned.partition("_")[0]}
    for file in paths.published.iterdir():
        run_id = file.name.partition(".")[0].removeprefix("marts_").removeprefix("site_")
        if file.name.startswith(".partial_") or (
            file.name.startswith(("marts_", "site_")) and run_id not in kept
        ):
            shutil.rmtree(file) if file.is_dir() else file.unlink()


def drop_generation(paths: Paths, run_id: str) -> None:
    """Delete one generation, its pages first: what is left of it is then still known by its file.

    Nothing may point at it any more.
    """
    shutil.rmtree(paths.published / f"site_{run_id}", ignore_errors=True)
    file = paths.published / f"marts_{run_id}.duckdb"
    digest_of(file).unlink(missing_ok=True)
    file.unlink(missing_ok=True)


def _checkpoint(file: Path) -> None:
    with connect(file) as con:
        con.execute("checkpoint")
    if file.with_name(file.name + ".wal").exists():
        raise KpiError("the build file kept a write-ahead log", str(file))


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def literal(text: str | Path) -> str:
    """A text as SQL writes it, where no parameter may stand."""
    return "'" + str(text).replace("'", "''") + "'"
