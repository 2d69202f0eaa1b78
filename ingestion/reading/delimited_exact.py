"""The exact way through delimited text: record by record, whatever state they are in.

Belongs here: quotes, ragged and cut rows, footers. Does not belong here: finding the header and
going through a file (`delimited.py`), the quick way for what needs no repair
(`delimited_quick.py`).

All counting is done by polars on whole columns, because a reader that repairs ragged rows silently
cannot say which rows it repaired.
"""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl

from ingestion.errors import FileRejected
from ingestion.mapping.rules import Read
from ingestion.reading.columns import CUT, LINE, ROW, clean
from ingestion.reading.preflight import never_closed

_QUOTED = r'"(?:[^"]|"")*"'


def split_records(text: str, line: int, path: Path, read: Read) -> pl.DataFrame:
    """Split text into records (`record`, `_line`): a quoted line break does not end one."""
    body = pl.Series("record", [text.removesuffix("\n")]).str.split("\n").explode()
    lines = pl.DataFrame({"record": body}).with_row_index(LINE, offset=line + 1)
    if not read.quotes:
        return _without_quoting(lines, read)
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
        raise never_closed(last[LINE], path)
    return lines.filter(pl.col("record").str.strip_chars() != "")


def _without_quoting(lines: pl.DataFrame, read: Read) -> pl.DataFrame:
    """Return lines as records; where quotes mean nothing, each cell is put into quotes."""
    record = pl.col("record").str.replace_all('"', '""', literal=True)
    mark = read.delimiter
    record = record.str.replace_all(mark, f'"{mark}"', literal=True)
    filled = lines.filter(pl.col("record").str.strip_chars() != "")
    return filled.select(pl.col(LINE).cast(pl.Int64), pl.format('"{}"', record).alias("record"))


def _escape(delimiter: str) -> str:
    return f"\\{delimiter}" if delimiter in "|.^$*+?()[]{}\\" else delimiter


def fields(record: str, read: Read) -> list[str]:
    """Return the cells of one record, surrounding space and quotes taken off."""
    row = pl.read_csv(
        io.BytesIO(f"{record}\n".encode()),
        has_header=False,
        separator=read.delimiter,
        infer_schema=False,
    )
    return [str(cell or "").strip() for cell in row.row(0)]


def refuse_second_header(records: pl.DataFrame, header: str, path: Path) -> None:
    """Refuse rows among which the header stands again.

    Raises:
        FileRejected: it does.
    """
    if records.filter(pl.col("record") == header).height:
        raise FileRejected(
            "the header stands in the file twice",
            path.name,
            "Two exports seem to be glued together.",
            "Deliver them as two files.",
        )


def drop_footer(records: pl.DataFrame, read: Read, whole: bool) -> tuple[pl.DataFrame, bool]:
    """Take off the records at the end that are totals; one shows that the row before is whole."""
    if read.footer is None or records.is_empty():
        return records, whole
    trailing = records["record"].str.contains(read.footer).reverse().cast(pl.Int8).cum_min().sum()
    # A footer after the last row shows that the row is whole.
    return records.head(records.height - int(trailing)), whole or int(trailing) > 0


def judge_records(records: pl.DataFrame, names: list[str], read: Read, whole: bool) -> pl.DataFrame:
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


def parse_records(good: pl.DataFrame, names: list[str], read: Read, path: Path) -> pl.DataFrame:
    """Take records that are rows apart into cells.

    Raises:
        FileRejected: they are fewer or more rows to the parser than were counted.
    """
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


def tell_broken(broken: pl.DataFrame, position: int | None, read: Read) -> pl.DataFrame:
    """Describe broken rows; their key only where a delimiter shows that its cell is whole."""
    if position is None:
        key = pl.lit(None, pl.String)
    else:
        d = _escape(read.delimiter)
        cell = rf'(?:{_QUOTED}|[^"{d}]*)'
        found = pl.col("record").str.extract(rf"^(?:{cell}{d}){{{position}}}({cell}){d}", 1)
        key = clean(found.str.strip_chars('"'), read)
    return broken.select(ROW, LINE, "reason", "message", key.alias("key"))
