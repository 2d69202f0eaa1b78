"""The rows of text that every way of reading gives, and the columns a file must have.

Belongs here: `Raw`, checking a header against a format, cleaning cells. Does not belong here: how
bytes become rows (`delimited.py`, `nested.py`, `spreadsheet.py`).
"""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from ingestion.errors import FileRejected
from ingestion.mapping.rules import Read

ROW, LINE = "_row", "_line"
# As many as a sheet of Excel has; no platform exports a tenth of it.
MAX_COLUMNS = 16_384
CUT = "is cut: the file ends in the middle of it (no line break after it)"
_BROKEN = {
    ROW: pl.Int64,
    LINE: pl.Int64,
    "reason": pl.String,
    "message": pl.String,
    "key": pl.String,
}


@dataclass(frozen=True)
class Raw:
    """A file as rows of text.

    Attributes:
        frame: `_row` (1 = first data row), `_line` (physical line) and the wanted columns, text.
        broken: rows that are no rows: `_row`, `_line`, reason, message, key (their order, if told).
        unknown: columns of the file that the format does not know.
        missing: wanted columns that may be missing, and are.
        is_sheet: it is a spreadsheet, whose dates come in one form whatever the format says.
    """

    frame: pl.DataFrame
    broken: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_BROKEN))
    unknown: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    is_sheet: bool = False

    @property
    def rows(self) -> int:
        """Data rows in the file, footers and blank lines not counted."""
        return self.frame.height + self.broken.height


def broken_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows as `Raw.broken` has them."""
    return rows.select(list(_BROKEN)).cast(pl.Schema(_BROKEN))


def check_columns(
    names: list[str], wanted: list[str], read: Read, path: Path
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return (optional columns that are missing, columns the format does not know).

    Raises:
        FileRejected: a column is doubled or a needed one missing, with the nearest name there is.
    """
    refuse_wide(len(names), path)
    doubled = sorted(name for name, times in Counter(names).items() if name and times > 1)
    if doubled:
        raise FileRejected(
            f"column `{doubled[0]}` stands in the header twice",
            path.name,
            do_this="Export it again with each column once.",
        )
    known = {*wanted, *read.header}
    unknown = tuple(name for name in names if name and name not in known)
    missing = [name for name in wanted if name not in names]
    refused = [name for name in missing if name not in read.optional]
    if refused:
        close = difflib.get_close_matches(refused[0], names, n=1, cutoff=0.5)
        hint = f"It has `{close[0]}`: renamed?" if close else f"It has {len(names)} column(s)."
        raise FileRejected(
            f"column `{refused[0]}` is missing",
            path.name,
            hint,
            "Map the new name in shop.yml (overrides), or check delimiter and format.",
        )
    if read.exact_header and (unknown or set(names) != set(read.header)):
        odd = (unknown or tuple(name for name in read.header if name not in names))[0]
        raise FileRejected(
            f"the header differs from the format: `{odd}`",
            path.name,
            "This format wants exactly its columns.",
            "Set read.exact_header: false to accept others.",
        )
    return tuple(missing), unknown


def refuse_wide(columns: int, path: Path) -> None:
    """Refuse a table of more columns than a sheet of Excel has.

    Raises:
        FileRejected: it has more.
    """
    if columns > MAX_COLUMNS:
        raise FileRejected(
            f"has {columns:,} columns; at most {MAX_COLUMNS:,} are read",
            path.name,
            "Rows and columns may have changed places, or the delimiter is another.",
            "Look into it and export it again.",
        )


def clean(cell: pl.Expr, read: Read, *, is_bare: bool = False) -> pl.Expr:
    """Return the cell without surrounding space, text marks, and empty where it means empty.

    Args:
        cell: text.
        read: which marks, and what means empty.
        is_bare: no cell of the column has space, marks or "".
    """
    nulls = [null for null in read.nulls if null]
    if is_bare:
        return pl.when(~cell.is_in(nulls)).then(cell) if nulls else cell
    cell = cell.str.strip_chars()
    if "excel_text" in read.clean:
        cell = cell.str.replace(r'^="(.*)"$', "${1}")
    if "leading_quote" in read.clean:
        cell = cell.str.replace(r"^'", "")
    return pl.when(~cell.is_in([*nulls, ""])).then(cell)
