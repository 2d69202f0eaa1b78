"""The quick way through delimited text: where the bytes prove that each line is one row.

Belongs here: counting bytes, and handing what needs no repair to polars' own reader.
Does not belong here: what to do with quotes, ragged and cut rows (`delimited_exact.py`).
"""

from __future__ import annotations

import codecs

import numpy as np
import numpy.typing as npt
import polars as pl

from ingestion.mapping.rules import Read
from ingestion.reading.columns import LINE, ROW

# Small enough for the processor's cache: passes over whole blocks take five times longer.
_SLICE = 1 << 18
_LINE_FEED, _SPACE = 10, 32
# First bytes of all spaces beyond ASCII (as Unicode counts them), as UTF-8 writes them.
_WIDE_SPACES = (
    *(b"\xc2\x85", b"\xc2\xa0", b"\xe1\x9a\x80"),
    *(b"\xe2\x80", b"\xe2\x81\x9f", b"\xe3\x80\x80"),
)


def quick_cells(
    data: bytes, names: list[str], header: bytes, read: Read, before: tuple[int, int] = (0, 0)
) -> tuple[pl.DataFrame, bool] | None:
    """Read whole lines as cells of text.

    A line with too many fields is an error to polars, one with too few is filled up in silence.
    Where the delimiters of all lines together are as many as they must be and no line has too many,
    none has too few.

    Args:
        data: UTF-8, line feeds, no header, no byte order mark.
        names: of the columns.
        header: the line that names them.
        read: delimiter and clean-up.
        before: rows and lines of the file before these.

    Returns:
        `_row`, `_line` and the cells, one row a line, and whether none of them needs cleaning; None
        where this cannot be told from the bytes, so that the exact way is needed.
    """
    delimiter = read.delimiter.encode()
    schema = {
        f"_unnamed_{number}" if name in ("", ROW, LINE) else name: pl.String
        for number, name in enumerate(names)
    }
    heading = header + b"\n"
    if (
        len(delimiter) > 1
        or not 2 <= len(names) == len(schema)
        or not data.endswith(b"\n")
        or data.startswith((codecs.BOM_UTF8, heading))
        or (read.quotes and b'"' in data)
        or b"\n" + heading in data
    ):
        return None
    lines, delimiters, is_spaced = _count(np.frombuffer(data, np.uint8), delimiter[0])
    if delimiters != lines * (len(names) - 1):
        return None
    try:
        # Numbered while they are read: a column added later would have all others copied, because
        # they come in pieces.
        cells = (
            pl.scan_csv(
                data, has_header=False, schema=schema, separator=read.delimiter, quote_char=None,
                row_index_name=ROW, row_index_offset=before[0] + 1,
            )
            .with_columns(pl.col(ROW).cast(pl.Int64))
            .with_columns((pl.col(ROW) + (before[1] - before[0])).alias(LINE))
            .collect(engine="streaming")
        )  # fmt: skip
    except pl.exceptions.PolarsError:
        return None
    if cells.height != lines or (delimiter.isspace() and _has_blank_row(cells.drop(ROW, LINE))):
        return None
    marks = [] if read.quotes else [b'"']  # of `="..."`
    marks += [b"'"] if "leading_quote" in read.clean else []
    if not data.isascii():
        marks.extend(_WIDE_SPACES)
    return cells, not (is_spaced or any(mark in data for mark in marks))


def _count(data: npt.NDArray[np.uint8], delimiter: int) -> tuple[int, int, bool]:
    """Return lines, delimiters, and whether any cell begins or ends with an ASCII space."""
    lines = delimiters = 0
    is_spaced = bool(data[0] <= _SPACE and data[0] not in (_LINE_FEED, delimiter))
    for start in range(0, len(data), _SLICE):
        part = data[start : start + _SLICE + 1]
        ends, borders = part == _LINE_FEED, part == delimiter
        # The last byte of a slice is seen again as the first of the next.
        seen = min(_SLICE, len(data) - start)
        lines += int(np.count_nonzero(ends[:seen]))
        delimiters += int(np.count_nonzero(borders[:seen]))
        if is_spaced:
            continue
        np.logical_or(ends, borders, out=borders)
        spaces = part <= _SPACE
        np.greater(spaces, borders, out=spaces)
        is_spaced = bool((borders[:-1] & spaces[1:]).any() or (spaces[:-1] & borders[1:]).any())
    return lines, delimiters, is_spaced


def _has_blank_row(cells: pl.DataFrame) -> bool:
    """Whether a row is empty altogether: where the delimiter is a space, that is a blank line."""
    filled = pl.all().str.strip_chars() != ""
    return bool(cells.select((~pl.any_horizontal(filled.fill_null(value=False))).any()).item())
