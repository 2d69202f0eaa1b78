"""Pseudonyms found and replaced in any file: Parquet, SQLite, or plain bytes.

Belongs here: the files of a data folder that are no published database, and how each kind is
mended. Whose pseudonyms they are is decided in `plan.py`; frames and bytes are
`ingestion.landing.erase`.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl

from ingestion.landing.erase import Replacements, hits_in_parquet, rewrite_parquet
from ingestion.reading.kinds import kind_of
from orchestration.config.settings import Paths

# What platforms deliver, what the simulator planted, and what is searched in its own way.
_ELSEWHERE = frozenset({"inbox", "truth", "landing", "quarantine", "published", "site"})


def other_files(paths: Paths) -> Iterator[Path]:
    """Files of the data folder outside its known stores: exports, logs, messages, Dagster's."""
    for entry in sorted(paths.data.iterdir()):
        if entry.name in _ELSEWHERE:
            continue
        files = files_below(entry) if entry.is_dir() else iter([entry])
        yield from (file for file in files if ".duckdb" not in file.name)


def page_files(paths: Paths) -> Iterator[Path]:
    """Files of all kept pages."""
    for folder in sorted(paths.published.glob("site_*")):
        yield from files_below(folder)


def files_below(folder: Path) -> Iterator[Path]:
    """All files below a folder, by path, symlinks left out."""
    return (p for p in sorted(folder.rglob("*")) if p.is_file() and not p.is_symlink())


def hits_in_file(file: Path, wanted: Replacements) -> int:
    """Return how often texts to replace stand in a file of any kind."""
    kind = kind_of(file)
    if kind == "parquet":
        return hits_in_parquet(file, wanted)
    if kind == "sqlite":
        return sum(_hits_in_sqlite(file, wanted).values())
    return wanted.in_file(file)


def rewrite_file(file: Path, wanted: Replacements) -> int:
    """Replace texts in a file of any kind; returns how many stood there.

    A plain file is written anew and takes the old one's place at once, with its mode.
    """
    found = hits_in_file(file, wanted)
    kind = kind_of(file)
    if not found:
        return 0
    if kind == "parquet":
        return rewrite_parquet(file, wanted)
    if kind == "sqlite":
        _rewrite_sqlite(file, wanted)
        return found
    draft = file.with_name(f".{file.name}.erased")
    draft.write_bytes(wanted.replaced_in(file.read_bytes()))
    shutil.copymode(file, draft)
    draft.replace(file)
    return found


def _hits_in_sqlite(file: Path, wanted: Replacements) -> dict[tuple[str, str], int]:
    """Table and column of an SQLite file -> number of cells that hold a text to replace."""
    found = {}
    with closing(sqlite3.connect(file, timeout=30)) as con:
        for table, column in _sqlite_columns(con):
            rows = con.execute(f'select "{column}" from "{table}"').fetchall()
            cells = pl.DataFrame({"cell": [_text(cell) for (cell,) in rows]}, schema=["cell"])
            if count := wanted.columns(cells.cast(pl.String)).get("cell", 0):
                found[table, column] = count
    return found


def _sqlite_columns(con: sqlite3.Connection) -> list[tuple[str, str]]:
    return con.execute(
        "select m.name, c.name from sqlite_master as m, pragma_table_info(m.name) as c"
        " where m.type = 'table'"
    ).fetchall()


def _text(cell: object) -> str | None:
    if isinstance(cell, bytes):
        return cell.decode("latin-1")
    return cell if isinstance(cell, str) else None


def _rewrite_sqlite(file: Path, wanted: Replacements) -> None:
    """Replace texts in all cells, then write the file anew: freed pages keep what was deleted."""

    def replaced(cell: Any) -> Any:
        if isinstance(cell, bytes):
            return wanted.replaced_in(cell)
        return wanted.replaced_in(cell.encode()).decode() if isinstance(cell, str) else cell

    with closing(sqlite3.connect(file, timeout=30)) as con:
        con.create_function("replaced", 1, replaced, deterministic=True)
        with con:
            for table, column in _hits_in_sqlite(file, wanted):
                con.execute(f'update "{table}" set "{column}" = replaced("{column}")')
        con.execute("vacuum")
        con.execute("pragma wal_checkpoint(truncate)")
