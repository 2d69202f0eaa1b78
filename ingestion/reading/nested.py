"""Reading nested exports (JSON lines, Parquet) into the same rows of text as delimited files.

Belongs here: the little path vocabulary: `device.category` goes into a struct, `items[0].item_id`
takes the first element of a list, `event_params[page_location].value.string_value` takes the
element whose `key` is page_location. Every leaf becomes text, so that one set of rules reads all.
"""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import polars as pl

from ingestion.errors import FileRejected
from ingestion.mapping.rules import Read
from ingestion.reading.archive import too_large
from ingestion.reading.columns import CUT, LINE, ROW, Raw, check_columns, clean
from ingestion.reading.encodings import decode
from ingestion.reading.preflight import read_bytes

_TOKEN = re.compile(r"[^.\[\]]+|\[[^\]]*\]")
_INSTANT = "%Y-%m-%dT%H:%M:%S%.6f"
_EXACT_FLOATS = 2**53
# How typed columns are written as text; a format need not say so.
TYPED_INSTANTS = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%d")
TYPED_DAYS = ("%Y-%m-%d", "%Y-%m-%dT00:00:00.000000")
_MAX_ROWS = 50_000_000
Dtype = pl.DataType | type[pl.DataType]


def _steps(path: str) -> list[str]:
    return _TOKEN.findall(path)


def _tree(paths: list[str]) -> dict[str, Any]:
    """Merge paths into nested dicts: `a[k].b` -> {"a": {"[]": {"key": {}, "b": {}}}}."""
    root: dict[str, Any] = {}
    for path in paths:
        node = root
        for step in _steps(path):
            if step.startswith("["):
                node = node.setdefault("[]", {})
                if not step[1:-1].isdigit():
                    node.setdefault("key", {})
            else:
                node = node.setdefault(step, {})
    return root


def _dtype(node: dict[str, Any]) -> Dtype:
    if not node:
        return pl.String()
    if "[]" in node:
        return pl.List(_dtype(node["[]"]))
    return pl.Struct({name: _dtype(inner) for name, inner in node.items()})


def _walk(expr: pl.Expr, steps: list[str]) -> pl.Expr:
    for number, step in enumerate(steps):
        if not step.startswith("["):
            expr = expr.struct.field(step)
            continue
        inner = step[1:-1]
        if inner.isdigit():
            return _walk(expr.list.get(int(inner), null_on_oob=True), steps[number + 1 :])
        element = pl.element()
        picked = _walk(element.filter(element.struct.field("key") == inner), steps[number + 1 :])
        return expr.list.eval(picked).list.first()
    return expr


def _has(dtype: Any, steps: list[str]) -> bool:
    for step in steps:
        if step.startswith("["):
            if not isinstance(dtype, pl.List):
                return False
            dtype = dtype.inner
            continue
        fields = {f.name: f.dtype for f in dtype.fields} if isinstance(dtype, pl.Struct) else {}
        if step not in fields:
            return False
        dtype = fields[step]
    return True


def _extract(frame: pl.DataFrame, wanted: list[str], read: Read, path: Path) -> Raw:
    """Turn nested columns into text columns named by their paths."""
    tops = {name: frame.schema[name] for name in frame.columns}
    there = [p for p in wanted if (s := _steps(p))[0] in tops and _has(tops[s[0]], s[1:])]
    missing, _ = check_columns(there, wanted, read, path)
    leaves = frame.select(
        ROW, LINE, *(_walk(pl.col(_steps(p)[0]), _steps(p)[1:]).alias(p) for p in there)
    )
    # One long text may stand in all rows and in the file once: here it is looked at, not repeated.
    lengths = leaves.select(pl.col(pl.String).str.len_bytes().cast(pl.Int64).sum())
    if lengths.width and sum(lengths.row(0)) > read.max_bytes:
        raise too_large(path, read)
    return Raw(
        leaves.select(
            ROW,
            LINE,
            *(clean(_as_text(pl.col(p), leaves.schema[p]), read).alias(p) for p in there),
            *(pl.lit(None, pl.String).alias(p) for p in missing),
        ),
        missing=missing,
    )


def _as_text(cell: pl.Expr, dtype: Dtype) -> pl.Expr:
    """Write a typed value as text that one of `TYPED_INSTANTS` or `TYPED_DAYS` reads again."""
    if isinstance(dtype, pl.Datetime):
        if dtype.time_zone is None:
            return cell.dt.to_string(_INSTANT)
        return cell.dt.convert_time_zone("UTC").dt.to_string(f"{_INSTANT}+0000")
    if dtype in (pl.Float64, pl.Float32):
        # Ids become floats where a table has gaps; as text they are whole again. What a sum of
        # floats has left over (2.2E-16) is told without power of ten, as all numbers are.
        is_whole = (cell == cell.floor()) & (cell.abs() < _EXACT_FLOATS)
        return (
            pl.when(is_whole)
            .then(cell.cast(pl.Int64, strict=False).cast(pl.String))
            .when(cell.abs() < 1)
            .then(cell.cast(pl.Decimal(38, 18), strict=False).cast(pl.String))
            .otherwise(cell.cast(pl.String))
        )
    return cell.cast(pl.String)


def read_parquet(path: Path, read: Read, wanted: list[str]) -> Raw:
    """Read a Parquet file, only the columns that are wanted.

    Raises:
        FileRejected: not Parquet, damaged, too many rows, or a wanted column is missing.
    """
    tops = list(dict.fromkeys(_steps(p)[0] for p in wanted))
    try:
        schema = pl.read_parquet_schema(path)
        rows = pl.scan_parquet(path, glob=False).select(pl.len()).collect().item()
        if rows > _MAX_ROWS or path.stat().st_size > read.max_bytes:
            raise FileRejected(f"has {rows:,} rows; at most {_MAX_ROWS:,} are read", path.name)
        frame = pl.read_parquet(path, columns=[t for t in tops if t in schema], glob=False)
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise FileRejected(
            "is not a whole Parquet file",
            path.name,
            f"({str(error).splitlines()[0][:120]})",
            "Transfer it again, completely.",
        ) from None
    number = pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
    frame = frame.with_columns(number.alias(ROW), number.alias(LINE))
    raw = _extract(frame, wanted, read, path)
    return Raw(raw.frame, unknown=_unknown(list(schema), tops, read), missing=raw.missing)


def _unknown(names: list[str], tops: list[str], read: Read) -> tuple[str, ...]:
    known = {*tops, *(_steps(p)[0] for p in read.header)}
    return tuple(name for name in names if name not in known)


def read_jsonl(path: Path, read: Read, wanted: list[str]) -> Raw:
    """Read JSON lines; a line that is no JSON object is a broken row, never the end of the file.

    Raises:
        FileRejected: bytes that do not decode, or a wanted column is not there at all.
    """
    text = decode(read_bytes(path, read), path, read)
    body = pl.Series("record", [text.removesuffix("\n")]).str.split("\n").explode()
    lines = (
        pl.DataFrame({"record": body})
        .with_row_index(LINE, offset=1)
        .filter(pl.col("record").str.strip_chars() != "")
        .with_row_index(ROW, offset=1)
        .with_columns(pl.col(ROW, LINE).cast(pl.Int64))
    )
    shaped = pl.col("record").str.strip_chars().str.contains(r"^\{[\s\S]*\}$")
    schema = _dtype(_tree(wanted))
    parsed, bad = _decode(lines.filter(shaped), schema)
    bad = pl.concat([lines.filter(~shaped), bad]).sort(ROW)
    cut = not text.endswith("\n") and (pl.col(ROW) == lines.height)
    broken = bad.select(
        ROW,
        LINE,
        reason=pl.when(cut).then(pl.lit("cut_row")).otherwise(pl.lit("not_json")),
        message=pl.when(cut).then(pl.lit(CUT)).otherwise(pl.lit("is not a JSON object")),
        key=pl.lit(None, pl.String),
    )
    raw = _extract(parsed, wanted, read, path)
    names = _keys(lines["record"][0], path) if parsed.height and not bad.height else []
    unknown = _unknown(names, [_steps(p)[0] for p in wanted], read)
    # A key that no line has reads as one that is empty in all of them.
    absent = [p for p in wanted if p in read.optional and raw.frame[p].is_null().all()]
    return Raw(raw.frame, broken, unknown, tuple(absent))


def _keys(line: str, path: Path) -> list[str]:
    try:
        return list(json.loads(line))
    except RecursionError:
        raise FileRejected(
            "is JSON of hundreds of levels", path.name, do_this="Export rows of a few levels."
        ) from None


def _decode(lines: pl.DataFrame, schema: Dtype) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Decode lines of JSON; halve where decoding fails until the bad lines stand alone."""
    fields = {f.name: f.dtype for f in schema.fields} if isinstance(schema, pl.Struct) else {}
    empty = pl.DataFrame(schema={ROW: pl.Int64, LINE: pl.Int64, **fields})
    if lines.is_empty():
        return empty, lines
    try:
        body = lines["record"].str.join("\n").item() + "\n"
        frame = pl.read_ndjson(io.BytesIO(body.encode()), schema=fields)
        if frame.height == lines.height:
            return lines.select(ROW, LINE).hstack(frame), lines.clear()
    except (pl.exceptions.PolarsError, ValueError):
        pass
    if lines.height == 1:
        return empty, lines
    middle = lines.height // 2
    left, right = _decode(lines.head(middle), schema), _decode(lines.slice(middle), schema)
    return pl.concat([left[0], right[0]]), pl.concat([left[1], right[1]])
