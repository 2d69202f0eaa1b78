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
from ingestion.recognise.delimiting import AS_A_WHOLE, bare, cells_of, marks_of, open_quote, shape
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
_CURRENCY = re.compile(r"\(([A-Z]{3})\)\s*$")
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
        open_quote: line of a quote that is never closed, 0 if there is none.
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
    open_quote: int = 0
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


def currency_in(header: tuple[str, ...]) -> str | None:
    """Return the currency that names of columns end in, such as `Amount spent (EUR)`."""
    found = {m.group(1) for name in header if (m := _CURRENCY.search(name))}
    return found.pop() if len(found) == 1 else None


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
    except (ValueError, RecursionError):
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
    filled = pl.Series([sum(bool((cell or "").strip()) for cell in row) for row in frame.rows()],
                       dtype=pl.Int64)  # fmt: skip
    # Titles and merged cells above the header leave most of their row empty.
    usual = int(filled.mode().sort()[-1]) if len(filled) else 0
    at = int((filled >= 0.8 * usual).arg_max() or 0) if usual else 0
    names = [str(name or "").strip() for name in frame.row(at)] if usual else []
    wrong = _no_header(names)
    if wrong:
        why = f"is a workbook whose first sheet {wrong[0]}"
        return _no(seen, why, "Name its format in shop.yml, or save the sheet as CSV.")
    body = _named(frame.slice(at + 1), names)
    last = ",".join(str(cell or "") for cell in body.row(-1)) if body.height else ""
    footer = TOTALS if re.search(TOTALS, last) else ""
    return replace(seen, kind="xlsx", title_lines=at, header=tuple(names), head=body, footer=footer)


def _named(body: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    columns = [name or f"_unnamed_{number}" for number, name in enumerate(names)]
    return body.rename(dict(zip(body.columns, columns, strict=True)))


def _delimited(seen: Outline, text: str, end: str, rows: int, *, whole: bool) -> Outline:
    lines = pl.Series("l", [text]).str.split("\n").explode()
    if not whole:
        lines = lines.head(len(lines) - 1)
    seen = replace(seen, open_quote=open_quote(lines) if whole else 0)
    lines = lines.head(rows)
    filled = lines.str.strip_chars() != ""
    records = lines.filter(filled & (lines.str.count_matches('"', literal=True) % 2 == 0))
    if records.is_empty():
        return _no(seen, "has no line that reads as a row", "Check its quotes; export it again.")
    if float(records.str.contains(AS_A_WHOLE).mean() or 0) > 0.5:  # type: ignore[arg-type]
        return _no(
            replace(seen, kind="csv"),
            "has each of its lines in quotes as a whole, so that it reads as one cell",
            "Take off the quotes around the lines and halve those inside, or export it again.",
        )
    delimiter, width, counts = shape(records)
    if width == 1:
        return _no(
            replace(seen, kind="csv"),
            "has one column only, whatever the separator",
            "Export it with commas, semicolons or tabs between the columns.",
        )
    d = re.escape(delimiter)
    cells = records.str.replace_all(r'[\s"]' if delimiter != "\t" else r'[ "]', "")
    filled = cells.str.count_matches(rf"(?:^|{d})[^{d}]")  # a title leaves most cells empty
    at = int(((counts == width) & (filled * 2 > width)).arg_max() or 0)
    frame = cells_of(records.slice(at), delimiter)
    names = [str(name or "").strip() for name in frame.row(0)]
    seen = replace(seen, delimiter=delimiter, title_lines=at, header=tuple(names), kind="csv")
    wrong = _no_header(names)
    if wrong:
        return _no(seen, *wrong)
    body = _named(frame.slice(1), names)
    tail = [line for line in end.split("\n") if line.strip()][-3:]
    totals = len(records) > at + 1 and any(re.search(TOTALS, line) for line in tail)
    marks = marks_of(body)
    return replace(
        seen,
        head=bare(body, marks),
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
