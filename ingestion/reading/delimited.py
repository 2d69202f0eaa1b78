"""From a file to rows of text, each with its place in the file; nothing is guessed or filled in.

Belongs here: going through delimited text, its header. Single records are in
`delimited_exact.py`, nested files in `nested.py`, sheets in `spreadsheet.py`, meaning in `rows/`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import polars as pl

from ingestion.errors import FileRejected
from ingestion.mapping.rules import Read
from ingestion.reading.columns import LINE, ROW, Raw, check_columns, clean, refuse_wide
from ingestion.reading.delimited_exact import (
    drop_footer,
    fields,
    judge_records,
    parse_records,
    refuse_second_header,
    split_records,
    tell_broken,
)
from ingestion.reading.delimited_quick import quick_cells
from ingestion.reading.encodings import utf8
from ingestion.reading.kinds import kind_of
from ingestion.reading.preflight import Block, blocks, record_end

# The header and what stands above it lie within so many bytes.
_HEAD = 1 << 18


@dataclass(frozen=True)
class Layout:
    """The columns of a delimited file.

    Attributes:
        header: the record that names them.
        line: the same as it stands in the file.
        names: their names, in order.
        wanted: those to return.
        key: which of them tells the order of a broken row, if any.
        missing: see `Raw`.
        unknown: see `Raw`.
    """

    header: str
    line: bytes
    names: list[str]
    wanted: list[str]
    key: str | None
    missing: tuple[str, ...]
    unknown: tuple[str, ...]


def read_csv(path: Path, read: Read, wanted: list[str], key: str | None = None) -> Raw:
    """Read a whole delimited file; see `csv_blocks`."""
    parts = list(csv_blocks(path, read, wanted, key))
    frame = pl.concat([part.frame for part in parts]).with_columns(
        pl.col(name).forward_fill() for name in read.fill_down if name in wanted
    )
    broken = pl.concat([part.broken for part in parts])
    return Raw(frame, broken, parts[0].unknown, parts[0].missing)


def csv_blocks(
    path: Path, read: Read, wanted: list[str], key: str | None = None, size: int | None = None
) -> Iterator[Raw]:
    """Read a delimited file in blocks of bounded size, at least one.

    Args:
        path: the file, already checked to lie in the inbox.
        read: how to; `fill_down` is left to the caller, because it reaches across blocks.
        wanted: columns to return.
        key: column to tell of broken rows, so that their order can be set aside.
        size: bytes of a block, by default `preflight.BLOCK`.

    Raises:
        FileRejected: no header, wrong columns, unclosed quote, header twice, bytes that do not
            decode, caps exceeded.
    """
    layout, rows = None, 0
    for block in blocks(path, read, size):
        data, line = utf8(block, path, read), block.line
        if layout is None:
            layout, start, line = _begin(data, path, read, wanted, key)
            data = data[start:]
        place = _Place(path, line, rows, is_last=block.is_last)
        raw = _read_block(data, layout, read, place)
        rows += raw.rows
        yield raw


def csv_tail(path: Path, read: Read, wanted: list[str], size: int = 1 << 20) -> Raw | None:
    """Read about `size` bytes of rows at the end of a file, as if they were all; None for archives.

    A guess at how the file ends: where a quoted cell spans lines, it may begin in its middle.
    """
    if kind_of(path) != "plain":
        return None
    with path.open("rb") as file:
        head = Block(file.read(_HEAD), is_last=False)
        file.seek(max(0, path.stat().st_size - size))
        tail = Block(file.read().partition(b"\n")[2], is_first=False, line=1)
    layout, _, _ = _begin(utf8(head, path, read), path, read, wanted, None)
    place = _Place(path, 0, 0, is_last=True)
    return _read_block(utf8(tail, path, read), layout, read, place)


def _begin(
    data: bytes, path: Path, read: Read, wanted: list[str], key: str | None
) -> tuple[Layout, int, int]:
    """Find the header; return the layout, and after how many bytes and lines the rows begin."""
    head = data if len(data) <= _HEAD else data[: record_end(data, _HEAD) or len(data)]
    records = split_records(head.decode(), 0, path, read)
    found = _header(records, path, read, wanted)
    header = records["record"][found]
    names = fields(header, read)
    missing, unknown = check_columns(names, wanted, read, path)
    last = records.row(min(found + read.skip_after_header, records.height - 1), named=True)
    lines = last[LINE] + last["record"].count("\n")
    start = 0
    for _ in range(lines):
        start = data.find(b"\n", start) + 1 or len(data)
    line = header.encode() if read.quotes else head.split(b"\n")[records[LINE][found] - 1]
    return Layout(header, line, names, wanted, key, missing, unknown), start, lines


class _Place(NamedTuple):
    """Where a block stands: after so many lines and rows of the file."""

    path: Path
    line: int
    row: int
    is_last: bool


def _read_block(data: bytes, layout: Layout, read: Read, place: _Place) -> Raw:
    """Read one block: quickly where its bytes prove that each line is a row, else exactly."""
    quick = None
    if not (place.is_last and read.footer):
        body = data + b"\n" if _lacks_newline(data, read) else data
        quick = quick_cells(body, layout.names, layout.line, read, (place.row, place.line))
    if quick is not None:
        cells, is_clean = quick
        broken = Raw(cells).broken
    else:
        cells, broken = _exact(data.decode(), layout, read, place)
        is_clean = False
    frame = cells.select(
        ROW,
        LINE,
        *(
            clean(pl.col(name), read, is_bare=is_clean)
            for name in layout.wanted
            if name in layout.names
        ),
        *(pl.lit(None, pl.String).alias(name) for name in layout.missing),
    )
    return Raw(frame, broken, layout.unknown, layout.missing)


def _lacks_newline(data: bytes, read: Read) -> bool:
    return bool(data) and read.final_newline == "optional" and not data.endswith(b"\n")


def _exact(
    text: str, layout: Layout, read: Read, place: _Place
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read a block record by record; return the cells of good rows, and the broken rows."""
    whole = text.endswith("\n") or read.final_newline == "optional"
    records = split_records(text, place.line, place.path, read)
    if place.is_last:
        records, whole = drop_footer(records, read, whole)
    refuse_second_header(records, layout.header, place.path)
    records = records.with_row_index(ROW, offset=place.row + 1)
    records = judge_records(records, layout.names, read, whole)
    broken = records.filter(pl.col("reason").is_not_null())
    good = records.filter(pl.col("reason").is_null())
    position = layout.names.index(layout.key) if layout.key in layout.names else None
    return parse_records(good, layout.names, read, place.path), tell_broken(broken, position, read)


def _header(records: pl.DataFrame, path: Path, read: Read, wanted: list[str]) -> int:
    """Find the header: the first record with all needed columns, within the title lines allowed."""
    if records.is_empty():
        raise FileRejected("has no header", path.name, do_this="Export it again.")
    needed = set(wanted) - set(read.optional)
    head = records["record"].head(read.title_lines + 1).to_list()
    for record in head:
        refuse_wide(record.count(read.delimiter) + 1, path)
    # None fits: the one that shares most names is the header to complain about.
    shared = [len(needed & set(fields(record, read))) for record in head]
    return shared.index(max(shared))
