"""A file that several entries of shop.yml read, each a part of its rows: what no entry takes.

Belongs here: telling of rows that fall between the filters. Does not belong here: which entries
read a file (`deliveries.py`), or landing it (`land.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from ingestion.errors import FileRejected
from ingestion.landing.batch import delimited, read
from ingestion.landing.lookups import Table, ask, looked_up
from ingestion.landing.stream import are_separable
from ingestion.mapping.sources import FileSpec, Source
from ingestion.reading.columns import ROW, Raw
from ingestion.reading.delimited import csv_blocks
from ingestion.reading.kinds import kind_of
from ingestion.rows.derive import Context, derive, excluded
from ingestion.rows.reshape import explode

_SHOWN = 3


class Reading(NamedTuple):
    """One entry that reads the file, with the tables of its lookups."""

    source: Source
    files: FileSpec
    tables: Sequence[Table] = ()


def told_of_shared(key: bytes, shared: tuple[Path, Sequence[Reading]]) -> str:
    """Return what a person must know of a file that several entries share; else nothing.

    Args:
        key: secret key of the pseudonyms.
        shared: the file, and the entries that read it.
    """
    path, readings = shared
    if len(readings) < 2 or any(one.files.format.filter is None for one in readings):
        return ""
    try:
        left = [_left_out(path, one, key) for one in readings]
    except (FileRejected, pl.exceptions.PolarsError):
        return ""  # landing it says so
    filtered = [one.filter(pl.col("reason") == "filter")[ROW] for one in left]
    nobody = filtered[0]
    for rows in filtered[1:]:
        nobody = nobody.filter(nobody.is_in(rows.implode()))
    return _told(nobody, f"taken by none of its {len(readings)} entries in shop.yml")


def _told(rows: pl.Series, what: str) -> str:
    if rows.is_empty():
        return ""
    first = ", ".join(map(str, rows.sort().head(_SHOWN)))
    more = " ..." if len(rows) > _SHOWN else ""
    return f"{len(rows):,} rows are {what} (row {first}{more})"


def _left_out(path: Path, reading: Reading, key: bytes) -> pl.DataFrame:
    """Return `_row` and reason of the rows that an entry leaves out."""
    source, files, tables = reading
    form = files.format
    asked = ask(path, source, files, tables, key) if tables else None
    parts = []
    for raw in _blocks(path, source, files):
        whole = looked_up(raw, asked, path.name) if asked else raw
        this = form.for_sheets() if whole.is_sheet else form
        context = Context.of(this, source.timezone)
        lines, _ = explode(whole.frame, this.explode, this.read, context)
        frame, _ = derive(lines, this.derive, context)
        parts.append(excluded(frame, this)[0])
    return pl.concat(parts)


def _blocks(path: Path, source: Source, files: FileSpec) -> Iterator[Raw]:
    form = files.format
    is_plain = form.read.kind == "csv" and kind_of(path) in ("plain", "gzip", "zip")
    if is_plain and not (form.read.fill_down or form.explode) and are_separable(form):
        settings, wanted = delimited(source, files)
        return csv_blocks(path, settings, wanted)
    return iter([read(path, source, files)])
