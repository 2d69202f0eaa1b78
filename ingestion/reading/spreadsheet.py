"""Spreadsheets (.xlsx, .xls) read into the same rows of text as delimited files are.

Belongs here: choosing the sheet, what Excel keeps otherwise than it shows it: dates, numbers,
positions. Does not belong here: what the columns mean; caps on archives (`archive.py`).

Dates come as `%Y-%m-%d %H:%M:%S`, numbers without a superfluous `.0` and with at most 9 decimals,
formulas as the value they had when the file was saved, errors (`#DIV/0!`) as empty cells.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from ingestion.errors import FileRejected
from ingestion.mapping.rules import Read
from ingestion.reading.archive import parts_of
from ingestion.reading.columns import LINE, ROW, Raw, broken_rows, check_columns, clean
from ingestion.reading.delimited_exact import drop_footer, refuse_second_header
from ingestion.reading.kinds import kind_of

if TYPE_CHECKING:
    from fastexcel import ExcelReader

_MAX_CELLS = 50_000_000
_MAX_ROWS = 1 << 20  # of a sheet, by Excel itself
_PROTECTED = "EncryptedPackage".encode("utf-16-le")
_CELL = r'<c [^>]*?r="([A-Z]{1,3})(\d{1,7})"'
_VALUE = r"<v>-?(?:\d{16,}(?:\.\d+)?|\d(?:\.\d+)?[eE]\+?\d+)</v>"
_LONG = r"<c [^>]*>(?:<f[^>]*>[^<]*</f>|<f[^>]*/>)?" + _VALUE
_NOT_A_NUMBER = r' t="(?:s|str|inlineStr|b|e|d)"'
_LOST = "lost_digits"
_TOLD = "has a number of more than 15 digits in `{}`; Excel keeps 15, store the column as text"


def read_spreadsheet(path: Path, read: Read, wanted: list[str], key: str | None = None) -> Raw:
    """Read one sheet: the one `read.sheet` names, else the only visible one with the columns.

    Args:
        path: the file, already checked to lie in the inbox.
        read: how to; encoding, delimiter and line ends mean nothing here.
        wanted: columns to return.
        key: column to tell of broken rows, so that their order can be set aside.

    Returns:
        `_line` is the row of the sheet as Excel numbers it.

    Raises:
        FileRejected: no spreadsheet, damaged, protected, beyond the caps, no or several sheets with
            the columns, a header that does not fit.
    """
    book, long = _open(path, read)
    rows, letters, found = _choose(book, path, read, wanted)
    header = rows.row(found, named=True)
    names = [str(header[letter] or "").strip() for letter in letters]
    missing, unknown = check_columns(names, wanted, read, path)
    cells = {name: letters[names.index(name)] for name in wanted if name in names}
    body = rows.slice(found + 1 + read.skip_after_header)
    body, _ = drop_footer(body, read, whole=True)
    refuse_second_header(body, header["record"], path)
    body = body.with_row_index(ROW, offset=1).with_columns(
        pl.col(ROW).cast(pl.Int64), message=_lost(cells, long)
    )
    told = clean(pl.col(cells[key]), read) if key in cells else pl.lit(None, pl.String)
    broken = body.filter(pl.col("message").is_not_null()).select(
        ROW, LINE, pl.lit(_LOST).alias("reason"), "message", told.alias("key")
    )
    frame = body.filter(pl.col("message").is_null()).select(
        ROW,
        LINE,
        *(clean(pl.col(letter), read).alias(name) for name, letter in cells.items()),
        *(pl.lit(None, pl.String).alias(name) for name in missing),
    )
    frame = frame.with_columns(
        pl.col(name).forward_fill() for name in read.fill_down if name in wanted
    )
    return Raw(frame, broken_rows(broken), unknown, missing, is_sheet=True)


def first_sheet(path: Path, rows: int) -> pl.DataFrame:
    """Return the first filled rows of the first sheet as text, the header and what is above it too.

    Raises:
        FileRejected: no spreadsheet, damaged, protected, beyond the caps.
    """
    import fastexcel

    book, _ = _open(path, Read())
    try:
        sheet = book.load_sheet(0, header_row=None, skip_rows=0, n_rows=rows, dtypes="string")
    except fastexcel.FastExcelError as error:
        raise _unreadable(path, error) from None
    frame = sheet.to_polars()
    if not frame.width:
        return frame
    return frame.filter(pl.any_horizontal(pl.all().str.strip_chars().fill_null("") != ""))


def _open(path: Path, read: Read) -> tuple[ExcelReader, pl.Series]:
    """Open a workbook; also return the addresses of its long numbers (.xlsx only)."""
    import fastexcel

    long = [pl.Series(dtype=pl.String)]
    kind = kind_of(path)
    if kind == "xlsx":
        for name, part in parts_of(path, read):
            if name.startswith("xl/worksheets/"):
                _refuse_long(part, path)
                long.append(_inspect(part.decode("utf-8", "replace"), path))
    elif kind != "xls":
        raise FileRejected(
            "is no spreadsheet", path.name, do_this="Set read.kind to what it is, or export again."
        )
    elif _PROTECTED in path.read_bytes():
        raise FileRejected(
            "is protected by a password",
            path.name,
            do_this="Open it in Excel, save it without the password and deliver that.",
        )
    try:
        return fastexcel.read_excel(path), pl.concat(long)
    except fastexcel.FastExcelError as error:
        raise _unreadable(path, error) from None


def _refuse_long(part: bytes, path: Path) -> None:
    """Refuse a sheet of more rows or cells than Excel writes, before its text is taken apart."""
    rows, cells = (part.count(b"<" + tag) + part.count(b":" + tag) for tag in (b"row", b"c "))
    if rows > _MAX_ROWS or cells > _MAX_CELLS:
        raise FileRejected(
            f"has a sheet of {rows:,} rows and {cells:,} cells; at most {_MAX_ROWS:,} and"
            f" {_MAX_CELLS:,} are read",
            path.name,
            "Excel itself opens no longer one.",
            "Deliver it as CSV.",
        )


def _inspect(text: str, path: Path) -> pl.Series:
    """Return the addresses of long numbers in a sheet; refuse one whose cells lie far apart."""
    sheet = pl.DataFrame({"xml": [text]})
    cells = sheet.select(pl.col("xml").str.extract_all(_CELL).explode()).drop_nulls()
    corner = cells.select(
        columns=pl.col("xml").str.extract(_CELL, 1).str.pad_start(3, " ").max(),
        rows=pl.col("xml").str.extract(_CELL, 2).cast(pl.Int64).max(),
    ).row(0)
    # Memory would be taken for all the cells between them.
    if cells.height and corner[1] * (_number(corner[0].strip()) + 1) > _MAX_CELLS:
        raise FileRejected(
            f"has cells as far out as {corner[0].strip()}{corner[1]}",
            path.name,
            f"That is a table of more than {_MAX_CELLS:,} cells, nearly all of them empty.",
            "Delete what stands far below or to the right of the table, or deliver CSV.",
        )
    xml = pl.col("xml")
    exponent = xml.str.extract(r"[eE]\+?(\d+)</v>$", 1).cast(pl.Int64)
    long = sheet.select(xml.str.extract_all(_LONG).explode()).filter(
        ~xml.str.contains(_NOT_A_NUMBER) & (exponent.fill_null(15) >= 15)
    )
    return long.select(pl.format("{}{}", xml.str.extract(_CELL, 1), xml.str.extract(_CELL, 2)))[
        :, 0
    ]


def _number(letters: str) -> int:
    """Return the number of a column, from 0."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _letters(number: int) -> str:
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _choose(
    book: ExcelReader, path: Path, read: Read, wanted: list[str]
) -> tuple[pl.DataFrame, list[str], int]:
    """Return the rows of the sheet to read, its columns, and which of the rows is the header."""
    names = [read.sheet] if read.sheet is not None else book.sheet_names
    if read.sheet is not None and read.sheet not in book.sheet_names:
        raise FileRejected(
            f"has no sheet `{read.sheet}`",
            path.name,
            f"It has {', '.join(book.sheet_names)}.",
            "Set read.sheet to one of them.",
        )
    needed = set(wanted) - set(read.optional)
    best: tuple[int, pl.DataFrame, list[str], int] | None = None
    fitting: list[str] = []
    for name in names:
        rows, letters, is_visible = _rows(book, name, path, read)
        if rows.is_empty() or not (is_visible or read.sheet):
            continue
        head = rows.head(read.title_lines + 1).select(letters).rows()
        shared = [len(needed & {str(cell or "").strip() for cell in row}) for row in head]
        if max(shared) == len(needed):
            fitting.append(name)
        if best is None or max(shared) > best[0]:
            best = (max(shared), rows, letters, shared.index(max(shared)))
    if best is None:
        raise FileRejected("has no header", path.name, do_this="Export it again.")
    if len(fitting) > 1:
        raise FileRejected(
            f"has several sheets with these columns: {', '.join(fitting)}",
            path.name,
            "Rows of the others would be lost in silence.",
            "Set read.sheet to the one that counts.",
        )
    return best[1:]


def _rows(
    book: ExcelReader, name: str, path: Path, read: Read
) -> tuple[pl.DataFrame, list[str], bool]:
    """Return the filled rows of a sheet as text: `_line`, columns by letter, `record`."""
    import fastexcel

    try:
        sheet = book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
        letters = [_letters(column.absolute_index) for column in sheet.available_columns()]
        rows = sheet.to_polars()
    except fastexcel.FastExcelError as error:
        raise _unreadable(path, error) from None
    rows = rows.rename(dict(zip(rows.columns, letters, strict=True)))
    # Excel counts 15 digits; beyond them stands what a binary fraction makes of the number.
    cell = pl.col(pl.String)
    noisy = cell.str.contains(r"^-?\d+\.\d+$") & (cell.str.count_matches(r"\d") > 15)
    rows = rows.with_columns(
        pl.when(noisy).then(cell.cast(pl.Float64, strict=False).cast(pl.String)).otherwise(cell)
    )
    record = pl.concat_str(pl.col(letters).fill_null(""), separator=read.delimiter)
    filled = pl.any_horizontal(pl.col(letters).str.strip_chars().fill_null("") != "")
    rows = rows.with_columns(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias(LINE),
        record=record if letters else pl.lit(""),
    )
    return rows.filter(filled) if letters else rows.clear(), letters, sheet.visible == "visible"


def _lost(cells: dict[str, str], long: pl.Series) -> pl.Expr:
    """Return the message for rows with a number that lost its last digits, else null."""
    told = []
    for name, letter in cells.items():
        digits = pl.col(letter).str.contains(r"^-?\d{16,}$")
        lost = digits & pl.format("{}{}", pl.lit(letter), LINE).is_in(long.implode())
        told.append(pl.when(lost).then(pl.lit(_TOLD.format(name))))
    return pl.coalesce([*told, pl.lit(None, pl.String)])


def _unreadable(path: Path, error: Exception) -> FileRejected:
    return FileRejected(
        "is not a whole spreadsheet",
        path.name,
        f"({str(error).splitlines()[0][:120]}.)",
        "Open it in Excel, save it again as .xlsx or CSV and deliver that.",
    )
