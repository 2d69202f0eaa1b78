"""Text to the types of a feed, then its pandera schema; each bad cell becomes an issue of its row.

Belongs here: casting and checking canonical columns. Does not belong here: what happens to a bad
row (`fates.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from ingestion.derive import Context, issues, no_issues
from ingestion.feeds import COUNT, DAY, FEEDS, FLAG, INSTANT, TEXT
from ingestion.parse import Dtype, day, exact, flag, instant, kind_of, rounded, whole
from ingestion.read import ROW
from ingestion.schemas import all_pass, schema_of
from ingestion.spec import AUTOMATIC


def cast(
    frame: pl.DataFrame, feed: str, context: Context, labels: Mapping[str, str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Cast the canonical columns of a feed, leaving other columns of the frame as they are.

    Args:
        frame: canonical columns as text (or typed by a derivation), and `_row`.
        feed: name of the feed.
        context: how values are written.
        labels: canonical column -> column of the file, for messages.

    Returns:
        The frame with every canonical column typed (absent ones null), and the issues: cells that
        cannot be read, required cells that are empty.
    """
    columns = FEEDS[feed].columns
    typed = frame.with_columns(
        _reader(pl.col(name), frame.schema[name], dtype, context).alias(name)
        if name in frame.columns
        else pl.lit(None, dtype).alias(name)
        for name, dtype in columns.items()
    )
    before = frame.select(name for name in columns if name in frame.columns).null_count()
    after = typed.select(list(columns)).null_count()
    found = [no_issues()]
    for name, dtype in columns.items():
        needed = name in FEEDS[feed].required and name not in AUTOMATIC
        label = labels.get(name, name)
        shown = label if label == name else f"{name} ({label})"
        gone = after[name][0]
        if name in frame.columns and gone > before[name][0]:
            bad = pl.lit(frame[name].is_not_null() & typed[name].is_null())
            value = None if {name, label} & context.hidden else pl.col(name)
            told = f"is not {kind_of(dtype)}"
            found.append(issues(frame, bad, shown, "not_readable", told, value=value, feed=feed))
        if needed and gone:
            empty = pl.lit(typed[name].is_null())
            if name in frame.columns:
                empty = empty & pl.col(name).is_null()
            found.append(issues(frame, empty, shown, "missing", "is empty", feed=feed))
    return typed, pl.concat(found)


def _reader(cell: pl.Expr, given: Dtype, wanted: Dtype, context: Context) -> pl.Expr:
    """Return the expression that reads a cell of type `given` as `wanted`."""
    if given == wanted:
        return cell
    if isinstance(wanted, pl.Decimal) and isinstance(given, pl.Decimal):
        return rounded(cell, wanted)
    text = cell if given == TEXT else cell.cast(TEXT)
    if isinstance(wanted, pl.Decimal):
        return rounded(exact(text, context.numbers), wanted)
    readers: dict[Dtype, Callable[[], pl.Expr]] = {
        TEXT: lambda: text,
        COUNT: lambda: whole(text, context.numbers),
        pl.Float64: lambda: exact(text, context.numbers).cast(pl.Float64),
        INSTANT: lambda: instant(text, context.datetimes, context.zone),
        DAY: lambda: day(text, context.dates),
        FLAG: lambda: flag(text),
    }
    return readers[wanted]()


def check(typed: pl.DataFrame, feed: str, context: Context) -> pl.DataFrame:
    """Check typed rows against the feed's pandera schema.

    Args:
        typed: canonical columns and `_row`, collected.
        feed: name of the feed.
        context: tells which columns are never shown.

    Returns:
        One issue a failing cell; empty when all rows pass.
    """
    rows = typed.select(list(FEEDS[feed].columns))
    if rows.schema == FEEDS[feed].columns and rows.select(all_pass(feed)).item():
        return no_issues()
    from pandera.errors import SchemaErrors

    try:
        schema_of(feed).validate(rows, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
        if cases["index"].null_count():
            raise  # a whole column has the wrong type: a fault of ingestion, not of the file
        places = typed[ROW].gather(cases["index"].cast(pl.UInt32))
        return _told(cases.with_columns(places.alias(ROW)), feed, context)
    return no_issues()


def _told(cases: pl.DataFrame, feed: str, context: Context) -> pl.DataFrame:
    """Turn pandera's failure cases into issues in the words of a shop's owner."""
    rule = pl.col("check").str
    negative = rule.starts_with("greater_than_or_equal_to")
    message = (
        pl.when(rule.starts_with("not_nullable"))
        .then(pl.lit("is empty"))
        .when(negative)
        .then(pl.format("is below {}", rule.extract(r"\((.*)\)")))
        .when(rule.starts_with("isin"))
        .then(pl.format("is not one of {}", rule.extract(r"\[(.*)\]")))
        .when(rule.starts_with("in_range"))
        .then(pl.lit("is not between 1990 and 2099"))
        .otherwise(pl.format("breaks {}", pl.col("check")))
    )
    hidden = pl.col("column").is_in(list(context.hidden))
    found = cases.with_columns(
        told=message, shown=pl.when(~hidden).then(pl.col("failure_case").cast(pl.String))
    )
    reason = "out_of_domain"
    parts = [
        issues(
            part,
            pl.lit(value=True),
            str(key[0]),
            reason,
            str(key[1]),
            value=pl.col("shown"),
            feed=feed,
        )
        for key, part in found.group_by("column", "told", maintain_order=True)
    ]
    return pl.concat([no_issues(), *parts])
