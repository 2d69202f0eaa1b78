"""What a file looks like from outside: kind, encoding, separator, header, title lines, a sample.

Belongs here: evidence read off the bytes of one file, before any mapping is known. Does not belong
here: what its columns mean (`words.py`, `values.py`), nor which format fits (`formats.py`).
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from ingestion.errors import FileRejected
from ingestion.mapping.rules import Read
from ingestion.reading.archive import unpacked
from ingestion.reading.kinds import SPREADSHEETS, kind_of
from ingestion.reading.spreadsheet import first_sheet
from ingestion.recognise.encodings import encoding_of, text_of

HEAD_BYTES = 1 << 18  # enough to see the header and how rows are written
SAMPLE_BYTES = 1 << 26  # of a file whose values are weighed
SAMPLE_ROWS = 300_000
_TAIL = 1 << 13
_NO_TABLE = {
    "pdf": "a PDF document",
    "picture": "a picture",
    "rar": "a RAR archive",
    "7z": "a 7z archive",
    "sqlite": "an SQLite database",
}
_DELIMITERS = (",", ";", "\t", "|")
_QUOTED = r'"(?:[^"]|"")*"'
TOTALS = r'^["\s]*(?i:(grand )?total\b|totals\b|sum(me|ma)?\b|gesamt|合计|总计|汇总|小计)'
_VALUE = (
    r"^[+-]?[¥￥$€£]?\d[\d.,]*%?$|^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|^[^@\s]+@[^@\s]+\.[a-z]{2,}$"
    r"|^(?i:true|false|null)$"
)


@dataclass(frozen=True)
class Outline:
    """The outside of one file.

    Attributes:
        path: the file.
        size: bytes as delivered.
        kind: csv, jsonl, parquet, xlsx; empty where it is none of these.
        encoding: of text, as `read.encoding` writes it.
        delimiter: of a csv.
        title_lines: records before the header.
        header: names of the columns, the top ones of nested files.
        head: first rows as text, one column a name of `header` (csv and flat files).
        ends_whole: whether the last line ends in a line break.
        footer: pattern of the totals at the end, if it has any.
        marks: `clean` words that its cells need.
        sure_encoding: false where several encodings read the bytes.
        trouble: why it cannot be read; empty if it can.
        do_this: what to do about the trouble.
    """

    path: Path
    size: int
    kind: str = ""
    encoding: str = "utf-8"
    delimiter: str = ","
    title_lines: int = 0
    header: tuple[str, ...] = ()
    head: pl.DataFrame = field(default_factory=pl.DataFrame)
    ends_whole: bool = True
    footer: str = ""
    marks: tuple[str, ...] = ()
    sure_encoding: bool = True
    trouble: str = ""
    do_this: str = ""


def outline_of(path: Path, limit: int = HEAD_BYTES, rows: int = 400) -> Outline:
    """Look at a file.

    Args:
        path: any file.
        limit: bytes (after decompression) to look at from its beginning.
        rows: rows of `head` at most.

    Returns:
        The evidence; `trouble` says why where nothing can be made of it. Never raises for what is
        in the file.
    """
    seen, kind = Outline(path, path.stat().st_size), kind_of(path)
    if what := _NO_TABLE.get(kind):
        return _no(seen, f"is {what}", "Export the table as CSV.")
    if kind == "parquet":
        return _parquet(seen, rows)
    try:
        if kind in SPREADSHEETS:
            return _sheet(seen, rows)
        raw, whole, tail = _ends_of(path, limit)
    except FileRejected as error:
        return _no(seen, error.what, error.do_this)
    return _text_file(seen, raw, tail, rows, whole=whole)


def _ends_of(path: Path, limit: int) -> tuple[bytes, bool, bytes]:
    """Return (first bytes unpacked, whether that is all, last bytes)."""
    with unpacked(path, Read()) as file:
        raw, rest = file.read(limit), file.read(1)
        if not rest:
            return raw, True, b""
        if not file.seekable():
            return raw, False, b"\n"  # the end would have to be unpacked
        file.seek(max(limit, path.stat().st_size - _TAIL))
        return raw, False, file.read()


def _text_file(seen: Outline, raw: bytes, tail: bytes, rows: int, *, whole: bool) -> Outline:
    encoding, sure = encoding_of(raw, whole=whole)
    if not encoding:
        return _no(seen, "is binary or in an unknown encoding", "Export it as CSV in UTF-8.")
    text = text_of(raw, encoding, whole=whole)
    if not text.strip():
        return _no(seen, "holds only blank lines", "Export it again.")
    seen = replace(seen, encoding=encoding, sure_encoding=sure)
    if text.lstrip()[0] in "{[":
        return _json(seen, text, rows)
    end = tail.decode("latin-1").replace("\0", "") if not whole else text
    return _delimited(seen, text, end, rows, whole=whole)


def _no(seen: Outline, trouble: str, do_this: str) -> Outline:
    return replace(seen, trouble=trouble, do_this=do_this)


def _json(seen: Outline, text: str, rows: int) -> Outline:
    first = text.lstrip().split("\n", 1)[0].strip()
    try:
        record = json.loads(first)
    except ValueError:
        return _no(
            seen,
            "is JSON, but not one object a line",
            "Export JSON lines (one object a line) or CSV.",
        )
    if not isinstance(record, dict):
        return _no(seen, "is one JSON list", "Export JSON lines (one object a line) or CSV.")
    flat = [name for name, value in record.items() if not isinstance(value, dict | list)]
    lines = pl.Series("l", [text]).str.split("\n").explode()
    lines = lines.filter(lines.str.contains(r"^\s*\{.*\}\s*$")).head(rows)
    try:
        body = lines.str.join("\n").item() + "\n"
        frame = pl.read_ndjson(io.BytesIO(body.encode()), infer_schema_length=None)
        head = frame.select(pl.col(n).cast(pl.String) for n in flat if n in frame.columns)
    except (pl.exceptions.PolarsError, ValueError):
        head = pl.DataFrame()
    return replace(seen, kind="jsonl", header=tuple(record), head=head)


def _parquet(seen: Outline, rows: int) -> Outline:
    try:
        schema = pl.read_parquet_schema(seen.path)
        flat = [name for name, dtype in schema.items() if not dtype.is_nested()]
        head = pl.scan_parquet(seen.path, glob=False).select(flat).head(rows).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        why = str(error).splitlines()[0][:80]
        return _no(seen, f"is a damaged Parquet file ({why})", "Transfer it again, completely.")
    return replace(seen, kind="parquet", header=tuple(schema), head=head.cast(pl.String))


def _sheet(seen: Outline, rows: int) -> Outline:
    """Look at the first sheet of a workbook; one that needs more is left to its owner."""
    frame = first_sheet(seen.path, rows)
    wrong = _no_header(frame.columns)
    if wrong:
        why = f"is a workbook whose first sheet {wrong[0]}"
        return _no(seen, why, "Name its format in shop.yml, or save the sheet as CSV.")
    return replace(seen, kind="xlsx", header=tuple(frame.columns), head=frame)


def _delimited(seen: Outline, text: str, end: str, rows: int, *, whole: bool) -> Outline:
    lines = pl.Series("l", [text]).str.split("\n").explode()
    if not whole:
        lines = lines.head(len(lines) - 1)
    lines = lines.head(rows)
    filled = lines.str.strip_chars() != ""
    records = lines.filter(filled & (lines.str.count_matches('"', literal=True) % 2 == 0))
    if records.is_empty():
        return _no(seen, "has no line that reads as a row", "Check its quotes; export it again.")
    delimiter, width, counts = _shape(records)
    if width == 1:
        return _no(
            replace(seen, kind="csv"),
            "has one column only, whatever the separator",
            "Export it with commas, semicolons or tabs between the columns.",
        )
    at = int((counts == width).arg_max() or 0)
    frame = _cells(records.slice(at), delimiter)
    names = [str(name or "").strip() for name in frame.row(0)]
    seen = replace(seen, delimiter=delimiter, title_lines=at, header=tuple(names), kind="csv")
    wrong = _no_header(names)
    if wrong:
        return _no(seen, *wrong)
    body = frame.slice(1)
    columns = [name or f"_unnamed_{number}" for number, name in enumerate(names)]
    body = body.rename(dict(zip(body.columns, columns, strict=True)))
    tail = [line for line in end.split("\n") if line.strip()][-3:]
    totals = len(records) > at + 1 and any(re.search(TOTALS, line) for line in tail)
    marks = _marks(body)
    return replace(
        seen,
        head=_bare(body, marks),
        ends_whole=end.endswith("\n"),
        footer=TOTALS if totals else "",
        marks=marks,
    )


def _no_header(names: list[str]) -> tuple[str, str] | None:
    """Return what is wrong with a header and what to do, or None."""
    if not names:
        return "holds nothing", "Export it again."
    filled = [name for name in names if name]
    values = [name for name in filled if re.search(_VALUE, name)]
    if not filled or len(values) > 0.25 * len(filled):
        return (
            "has no header: its first line holds values",
            f"Put a line with the names of its {len(names)} columns on top.",
        )
    doubled = sorted({name for name in filled if filled.count(name) > 1})
    if doubled:
        return (
            f"column `{doubled[0]}` stands in the header twice",
            "Export it again with each column once.",
        )
    return None


def _bare(body: pl.DataFrame, marks: tuple[str, ...]) -> pl.DataFrame:
    """Return the cells as they are read later: without space, `="..."` and a leading quote."""
    cells = pl.all().str.strip_chars()
    if "excel_text" in marks:
        cells = cells.str.replace(r'^="(.*)"$', "${1}")
    if "leading_quote" in marks:
        cells = cells.str.replace(r"^'", "")
    return body.select(cells)


def _shape(records: pl.Series) -> tuple[str, int, pl.Series]:
    """Return the separator, the number of columns, and the number of cells of each record."""
    bare = records.str.replace_all(_QUOTED, "")
    best = (-1.0, ",", 1, bare.str.count_matches("\0", literal=True))
    for delimiter in _DELIMITERS:
        counts = bare.str.count_matches(delimiter, literal=True).cast(pl.Int64) + 1
        wide = counts.filter(counts > 1)
        if wide.is_empty():
            continue
        width = int(wide.mode().sort()[-1])
        share = float((counts == width).mean() or 0)  # type: ignore[arg-type]
        score = share * (1 + min(width, 20) / 20)
        if score > best[0]:
            best = (score, delimiter, width, counts)
    return best[1], best[2], best[3]


def _cells(records: pl.Series, delimiter: str) -> pl.DataFrame:
    try:
        return pl.read_csv(
            io.BytesIO((records.str.join("\n").item() + "\n").encode()),
            has_header=False,
            separator=delimiter,
            infer_schema=False,
            truncate_ragged_lines=True,
        )
    except pl.exceptions.PolarsError:
        return pl.read_csv(
            io.BytesIO((records[0] + "\n").encode()),
            has_header=False,
            separator=delimiter,
            infer_schema=False,
        )


def _marks(body: pl.DataFrame) -> tuple[str, ...]:
    marks = []
    text = body.select(pl.all().str.strip_chars())
    if text.select(pl.any_horizontal(pl.all().str.contains(r'^="').any())).item():
        marks.append("excel_text")
    if text.select(pl.any_horizontal(pl.all().str.contains(r"^'\d").any())).item():
        marks.append("leading_quote")
    return tuple(marks)
