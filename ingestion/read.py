"""From a file to rows of text, each with its place in the file; nothing is guessed or filled in.

Belongs here: headers, records, field counts, footers, cut rows of delimited text. Nested files
(JSON lines, Parquet) are read in `nested.py`, the meaning of columns is in `derive.py`.

All counting is done by polars on whole columns, because a reader that repairs ragged rows silently
cannot say which rows it repaired.
"""

from __future__ import annotations

import difflib
import io
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from ingestion.errors import FileRejected
from ingestion.preflight import decode, read_bytes
from ingestion.spec import Read

ROW, LINE = "_row", "_line"
CUT = "is cut: the file ends in the middle of it (no line break after it)"
_QUOTED = r'"(?:[^"]|"")*"'
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
    """

    frame: pl.DataFrame
    broken: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_BROKEN))
    unknown: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Data rows in the file, footers and blank lines not counted."""
        return self.frame.height + self.broken.height


def read_csv(path: Path, read: Read, wanted: list[str], key: str | None = None) -> Raw:
    """Read a delimited file.

    Args:
        path: the file, already checked to lie in the inbox.
        read: how to.
        wanted: columns to return.
        key: column to tell of broken rows, so that their order can be set aside.

    Raises:
        FileRejected: no header, wrong columns, unclosed quote, header twice, bytes that do not
            decode, caps exceeded.
    """
    text = _quoted(decode(read_bytes(path, read), path, read), read)
    whole = text.endswith("\n") or read.final_newline == "optional"
    records = _records(text, path, read)
    header, records = _header(records, path, read, wanted)
    records = records.slice(read.skip_after_header)
    names = _fields(header, read)
    missing, unknown = check_columns(names, wanted, read, path)
    records, whole = _drop_footer(records, read, whole)
    if records.filter(pl.col("record") == header).height:
        raise FileRejected(
            "the header stands in the file twice",
            path.name,
            "Two exports seem to be glued together.",
            "Deliver them as two files.",
        )
    records = _judge(records.with_row_index(ROW, offset=1), names, read, whole)
    position = names.index(key) if key in names else None
    broken = records.filter(pl.col("reason").is_not_null())
    good = records.filter(pl.col("reason").is_null())
    frame = _parse(good, names, read, path).select(
        ROW, LINE, *(clean(pl.col(name), read) for name in wanted if name in names)
    )
    frame = frame.with_columns(
        *(pl.lit(None, pl.String).alias(name) for name in missing),
        *(pl.col(name).forward_fill() for name in read.fill_down if name in frame.columns),
    )
    return Raw(frame, _tell(broken, position, read), unknown, missing)


def _quoted(text: str, read: Read) -> str:
    """Return text whose quotes mean something: of a file without quoting, all cells quoted."""
    if read.quotes or '"' not in text:
        return text
    mark = read.delimiter
    body = text.removesuffix("\n").replace('"', '""').replace(mark, f'"{mark}"')
    ending = "\n" if text.endswith("\n") else ""
    return '"' + body.replace("\n", '"\n"') + '"' + ending


def _records(text: str, path: Path, read: Read) -> pl.DataFrame:
    """Split text into records (`record`, `_line`): a quoted line break does not end one."""
    body = pl.Series("record", [text.removesuffix("\n")]).str.split("\n").explode()
    lines = pl.DataFrame({"record": body}).with_row_index(LINE, offset=1)
    if "excel_text" in read.clean:
        pattern = rf'(^|{_escape(read.delimiter)})="([^"]*)"'
        lines = lines.with_columns(pl.col("record").str.replace_all(pattern, '${1}"${2}"'))
    quotes = pl.col("record").str.count_matches('"', literal=True)
    lines = lines.with_columns(_open=(quotes.cum_sum() - quotes) % 2 == 1)
    if lines["_open"].any():
        lines = (
            lines.with_columns(_id=(~pl.col("_open")).cum_sum())
            .group_by("_id", maintain_order=True)
            .agg(pl.col(LINE).first(), pl.col("record").str.join("\n"))
        )
    lines = lines.select(pl.col(LINE).cast(pl.Int64), "record")
    last = lines.row(-1, named=True)
    if last["record"].count('"') % 2 == 1 and "\n" in last["record"]:
        raise FileRejected(
            f"a quote is opened in line {last[LINE]} and never closed",
            path.name,
            "All that follows would be read as one cell.",
            "Export the file again, or correct that line.",
        )
    return lines.filter(pl.col("record").str.strip_chars() != "")


def _escape(delimiter: str) -> str:
    return f"\\{delimiter}" if delimiter in "|.^$*+?()[]{}\\" else delimiter


def _fields(record: str, read: Read) -> list[str]:
    """Return the cells of one record, surrounding space and quotes taken off."""
    row = pl.read_csv(
        io.BytesIO(f"{record}\n".encode()),
        has_header=False,
        separator=read.delimiter,
        infer_schema=False,
    )
    return [str(cell or "").strip() for cell in row.row(0)]


def _header(
    records: pl.DataFrame, path: Path, read: Read, wanted: list[str]
) -> tuple[str, pl.DataFrame]:
    """Find the header: the first record with all needed columns, within the title lines allowed."""
    if records.is_empty():
        raise FileRejected("has no header", path.name, do_this="Export it again.")
    needed = set(wanted) - set(read.optional)
    head = records["record"].head(read.title_lines + 1).to_list()
    for number, record in enumerate(head):
        if needed <= set(_fields(record, read)):
            return record, records.slice(number + 1)
    # None fits: the one that shares most names is the header to complain about.
    shared = [len(needed & set(_fields(record, read))) for record in head]
    best = shared.index(max(shared))
    return head[best], records.slice(best + 1)


def check_columns(
    names: list[str], wanted: list[str], read: Read, path: Path
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return (optional columns that are missing, columns the format does not know).

    Raises:
        FileRejected: a column is doubled or a needed one missing, with the nearest name there is.
    """
    doubled = sorted({name for name in names if name and names.count(name) > 1})
    if doubled:
        raise FileRejected(
            f"column `{doubled[0]}` stands in the header twice",
            path.name,
            do_this="Export it again with each column once.",
        )
    known = [*wanted, *read.header]
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


def _drop_footer(records: pl.DataFrame, read: Read, whole: bool) -> tuple[pl.DataFrame, bool]:
    if read.footer is None or records.is_empty():
        return records, whole
    trailing = records["record"].str.contains(read.footer).reverse().cast(pl.Int8).cum_min().sum()
    # A footer after the last row shows that the row is whole.
    return records.head(records.height - int(trailing)), whole or int(trailing) > 0


def _judge(records: pl.DataFrame, names: list[str], read: Read, whole: bool) -> pl.DataFrame:
    """Add reason and message to records that are not rows: cut, wrong field count, stray quote."""
    # A quoted cell becomes one NUL (the text has none): what then stands beside it, or any quote
    # that is left, is a quote in the wrong place.
    d = _escape(read.delimiter)
    plain = pl.col("record").str.replace_all(rf"(^|{d}){_QUOTED}", "${1}\0")
    stray = plain.str.contains(rf'"|\x00[^{d}]')
    found = plain.str.count_matches(read.delimiter, literal=True).cast(pl.Int64) + 1
    width = len(names)
    last = (pl.col(ROW) == pl.col(ROW).max()) & pl.lit(not whole)
    told = pl.format("has {} fields, the header has {}", found, pl.lit(width))
    return records.with_columns(
        pl.col(ROW).cast(pl.Int64),
        reason=pl.when(last)
        .then(pl.lit("cut_row"))
        .when(stray)
        .then(pl.lit("stray_quote"))
        .when(found != width)
        .then(pl.lit("field_count")),
        message=pl.when(last)
        .then(pl.lit(CUT))
        .when(stray)
        .then(pl.lit("has a quote in the middle of a cell"))
        .when(found != width)
        .then(told),
    )


def _parse(good: pl.DataFrame, names: list[str], read: Read, path: Path) -> pl.DataFrame:
    columns = [name or f"_unnamed_{number}" for number, name in enumerate(names)]
    if good.is_empty():
        cells = pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
    else:
        body = good["record"].str.join("\n").item() + "\n"
        try:
            cells = pl.read_csv(
                io.BytesIO(body.encode()),
                has_header=False,
                new_columns=columns,
                separator=read.delimiter,
                infer_schema=False,
            )
        except pl.exceptions.PolarsError:
            cells = pl.DataFrame()
    if cells.shape != (good.height, len(columns)):
        raise FileRejected(
            f"reads as {cells.height} rows where {good.height} were counted",
            path.name,
            "Its quotes cannot be read in one way only.",
            "Export it again.",
        )
    return good.select(ROW, LINE).hstack(cells)


def clean(cell: pl.Expr, read: Read) -> pl.Expr:
    """Return the cell without surrounding space, text marks, and empty where it means empty."""
    cell = cell.str.strip_chars()
    if "excel_text" in read.clean:
        cell = cell.str.replace(r'^="(.*)"$', "${1}")
    if "leading_quote" in read.clean:
        cell = cell.str.replace(r"^'", "")
    return pl.when(~cell.is_in(list({*read.nulls, ""}))).then(cell)


def _tell(broken: pl.DataFrame, position: int | None, read: Read) -> pl.DataFrame:
    """Describe broken rows; their key only where a delimiter shows that its cell is whole."""
    if position is None:
        key = pl.lit(None, pl.String)
    else:
        d = _escape(read.delimiter)
        cell = rf'(?:{_QUOTED}|[^"{d}]*)'
        found = pl.col("record").str.extract(rf"^(?:{cell}{d}){{{position}}}({cell}){d}", 1)
        key = clean(found.str.strip_chars('"'), read)
    return broken.select(ROW, LINE, "reason", "message", key.alias("key"))
