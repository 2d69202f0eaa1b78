"""How a text is delimited: separator, quotes, marks of spreadsheets.

Belongs here: what the lines of a text show before its header is known. Does not belong here: which
of them is the header (`outline.py`), or reading a file strictly (`ingestion/reading`).
"""

from __future__ import annotations

import io

import polars as pl

_DELIMITERS = (",", ";", "\t", "|")
_QUOTED = r'"(?:[^"]|"")*"'
AS_A_WHOLE = r'^\s*"(?:[^"]|"")*[,;\t|](?:[^"]|"")*[,;\t|](?:[^"]|"")*"\s*$'


def open_quote(lines: pl.Series) -> int:
    """Return the line in which a quote is opened that none closes, 0 if there is none."""
    odd = lines.str.count_matches('"', literal=True) % 2 == 1
    return int(odd.arg_true()[-1]) + 1 if int(odd.sum()) % 2 else 0


def bare(body: pl.DataFrame, marks: tuple[str, ...]) -> pl.DataFrame:
    """Return the cells as they are read later: without space, `="..."` and a leading quote."""
    cells = pl.all().str.strip_chars()
    if "excel_text" in marks:
        cells = cells.str.replace(r'^="(.*)"$', "${1}")
    if "leading_quote" in marks:
        cells = cells.str.replace(r"^'", "")
    return body.select(cells)


def shape(records: pl.Series) -> tuple[str, int, pl.Series]:
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


def cells_of(records: pl.Series, delimiter: str) -> pl.DataFrame:
    """Return the cells of records, the header's among them; of that alone if the rest is torn."""
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


def marks_of(body: pl.DataFrame) -> tuple[str, ...]:
    """Return the `clean` words that cells need."""
    marks = []
    text = body.select(pl.all().str.strip_chars())
    if text.select(pl.any_horizontal(pl.all().str.contains(r'^="').any())).item():
        marks.append("excel_text")
    if text.select(pl.any_horizontal(pl.all().str.contains(r"^'\d").any())).item():
        marks.append("leading_quote")
    return tuple(marks)
