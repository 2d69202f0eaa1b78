"""Text to the types of a feed, then its pandera schema; each bad cell becomes an issue of its row.

Belongs here: casting and checking canonical columns. Does not belong here: what happens to a bad
row (`fates.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from math import lgamma, log

import polars as pl

from ingestion.feeds import COUNT, DAY, FEEDS, FLAG, INSTANT, TEXT
from ingestion.feeds.schemas import all_pass, schema_of
from ingestion.mapping.spec import AUTOMATIC
from ingestion.reading.columns import ROW
from ingestion.rows.derive import Context, issues, no_issues
from ingestion.rows.parse import (
    Dtype,
    called,
    day,
    exact,
    flag,
    instant,
    instants,
    rounded,
    to_utc,
    whole,
)

# 6.91743E+18 as a spreadsheet writes what was 6917430123456789012.
_POWER = r"^\d(\.\d+)?E\+\d\d$"
# Spreadsheets keep 15 digits. A longer number may end in zeros by itself, several do not.
_ROUNDED = r"^\d{15}00+$"
_ENDS_IN_ZEROS = r"^\d{15}000+$"
_BY_ACCIDENT, _SAMPLE = 3, 1_000
# Of ids that are not all so, as many end in three zeros and more as hardly would by themselves.
_UNLIKELY = 5e-4
_LONG = 18  # digits: fifteen that are kept and three zeros
PRECISION_LOST = "precision_lost"
# Plans and promises; all else has happened, so it cannot be later than the export that tells of it.
_MAY_LIE_AHEAD = frozenset(
    {
        *("promised_at", "valid_from", "launched_at", "member_from", "member_to"),
        *("month", "period_start", "rate_date"),
    }
)
# An export in local time with its name in another zone, or a clock that is wrong.
_CLOCKS_DIFFER = timedelta(hours=24)


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
        instants(frame[name], context.datetimes, context.zone)
        if dtype == INSTANT and frame.schema.get(name) == TEXT
        else _reader(pl.col(name), frame.schema[name], dtype, context).alias(name)
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
            bad = frame.filter(frame[name].is_not_null() & typed[name].is_null())
            value = None if {name, label} & context.hidden else pl.col(name)
            for told, rows in _told_unreadable(bad, name, dtype, context):
                found.append(issues(bad, rows, shown, "not_readable", told, value=value, feed=feed))
        if needed and gone:
            empty = pl.lit(typed[name].is_null())
            if name in frame.columns:
                empty = empty & pl.col(name).is_null()
            found.append(issues(frame, empty, shown, "missing", "is empty", feed=feed))
    found.extend(
        issues(frame, bad, labels.get(name, name), PRECISION_LOST, told, value=value, feed=feed)
        for name in _ids(frame, feed)
        for bad, told in _precision_lost(frame[name])
        for value in (None if name in context.hidden else pl.col(name),)
    )
    return typed, pl.concat(found)


def _told_unreadable(
    bad: pl.DataFrame, name: str, dtype: Dtype, context: Context
) -> list[tuple[str, pl.Expr]]:
    """Return what to say of unreadable cells, and of which of these rows."""
    told = f"is not {called(dtype)}"
    if dtype != INSTANT or bad.schema[name] != TEXT:
        return [(told, pl.lit(value=True))]
    # It reads where no clock is ever changed, so it is an hour that a clock change left out.
    skipped = instant(pl.col(name), context.datetimes, "UTC").is_not_null()
    return [
        (told, ~skipped),
        (f"is an hour that a clock change skipped in {context.zone}", skipped),
    ]


def _ids(frame: pl.DataFrame, feed: str) -> list[str]:
    """Return the columns that hold numbers of orders, products, people; text so far."""
    if feed == "events":
        return []  # written by programs: a look at all of them would cost more than it is worth
    given = [name for name in FEEDS[feed].delivered if name.endswith("_id")]
    return [name for name in given if frame.schema.get(name) == TEXT]


def _precision_lost(ids: pl.Series) -> list[tuple[pl.Expr, str]]:
    """Return the rows whose id a spreadsheet has damaged, and how; two ids could be one now."""
    found = []
    # Looked for as it stands first, a tenth of the time of the pattern.
    hint = ids.str.contains("E+", literal=True).any()
    if hint and (powers := ids.str.contains(_POWER).fill_null(value=False)).any():
        told = "has lost digits in a spreadsheet; export it again and do not open it there"
        found.append((pl.lit(powers), told))
    long = ids.head(_SAMPLE).drop_nulls().unique()
    told = "was rounded to 15 digits by a spreadsheet; export it again and do not open it there"
    if long.len() >= _BY_ACCIDENT and long.str.contains(_ROUNDED).all():
        found.append((pl.lit(ids.str.contains(_ROUNDED).fill_null(value=False)), told))
    elif some := some_rounded(ids):
        found.append((pl.lit(ids.is_in(some).fill_null(value=False)), told))
    return found


def some_rounded(ids: pl.Series) -> list[str]:
    """Return the ids that a spreadsheet has rounded where others of the column are whole."""
    zeros = ids.filter(ids.str.ends_with("000")).unique()
    rounded = zeros.filter(zeros.str.contains(_ENDS_IN_ZEROS))
    if ids.is_in(rounded.implode()).sum() < 2:  # one may end so by itself
        return []
    long = ids.drop_nulls().unique()
    long = long.filter(long.str.contains(r"^\d{18,}$"))
    # Numbers that count up from ...000 share their beginning with whole ones.
    whole = long.filter(~long.is_in(rounded.implode())).str.slice(0, 15)
    rounded = rounded.filter(~rounded.str.slice(0, 15).is_in(whole.implode()))
    expected, count = sum(10.0 ** (15 - digits) for digits in long.str.len_chars()), len(rounded)
    chance = count * log(expected) - lgamma(count + 1)  # of so many, where `expected` are usual
    return rounded.to_list() if count and chance < log(_UNLIKELY) else []


def long_ids(text: pl.DataFrame, feed: str) -> dict[str, pl.Series]:
    """Return of each column of ids those that `some_rounded` goes by.

    Those of several parts of a file, taken together, tell what its whole column does.

    Args:
        text: canonical columns as text.
        feed: name of the feed.
    """
    found = {}
    for name in _ids(text, feed):
        long = text[name].filter(text[name].str.len_chars() >= _LONG)
        is_rounded = long.str.contains(_ENDS_IN_ZEROS)
        found[name] = pl.concat([long.filter(~is_rounded).unique(), long.filter(is_rounded)])
    return found


def after_export(
    typed: pl.DataFrame,
    feed: str,
    context: Context,
    exported: datetime | None,
    until: datetime | None = None,
) -> pl.DataFrame:
    """Return an issue for each instant that had not come when its file was exported, or read.

    Args:
        typed: canonical columns and `_row`.
        feed: name of the feed.
        context: tells the zone of days and which columns are never shown.
        exported: when the file was exported, UTC; None where that is not known.
        until: the last instant a row can be of, UTC; None where that is not known.
    """
    found = [no_issues()]
    ends = [end for end in (exported and exported + _CLOCKS_DIFFER, until) if end]
    if not ends:
        return found[0]
    for name, dtype in FEEDS[feed].columns.items():
        if dtype not in (INSTANT, DAY) or name in _MAY_LIE_AHEAD:
            continue
        column = pl.col(name)
        known = column if dtype == INSTANT else to_utc(column.cast(INSTANT), context.zone)
        late = (known > min(ends)).fill_null(value=False)
        value = None if name in context.hidden else column
        told = "lies after the export of its file: a wrong clock, or day and month swapped?"
        found.append(issues(typed, late, name, "after_export", told, value=value, feed=feed))
    return pl.concat(found)


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
