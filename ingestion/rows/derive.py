"""Columns that a format works out from other columns.

Belongs here: carrying out `derive`, `filter`, `exclude`, `require` on rows of text.
Does not belong here: what a canonical column must look like (`validate.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from ingestion.mapping.rules import Derive, Numbers
from ingestion.mapping.spec import Format
from ingestion.mapping.vocabulary import sql_columns
from ingestion.reading.columns import ROW
from ingestion.reading.nested import TYPED_DAYS, TYPED_INSTANTS
from ingestion.rows.parse import exact, instant

ISSUE: dict[str, pl.DataType | type[pl.DataType]] = {
    ROW: pl.Int64,
    "feed": pl.String,
    "column": pl.String,
    "reason": pl.String,
    "message": pl.String,
    "value": pl.String,  # only what is not personal
}


@dataclass(frozen=True)
class Context:
    """How values are written in a file.

    Attributes:
        zone: zone of its local times.
        datetimes: formats of its instants.
        dates: formats of its dates.
        numbers: how its numbers look.
        hidden: columns whose values are personal and never shown.
    """

    zone: str
    datetimes: tuple[str, ...]
    dates: tuple[str, ...]
    numbers: Numbers
    hidden: frozenset[str]

    @classmethod
    def of(cls, form: Format, zone: str) -> Context:
        """Return the context of a format read for a source in `zone`."""
        is_typed = form.read.kind == "parquet"
        return cls(
            zone=zone if form.zone == "source" else form.zone,
            datetimes=(*form.datetimes, *(TYPED_INSTANTS if is_typed else ())),
            dates=(*form.dates, *(TYPED_DAYS if is_typed else ())),
            numbers=form.numbers,
            hidden=form.hidden,
        )


def no_issues() -> pl.DataFrame:
    """Return an empty frame of issues."""
    return pl.DataFrame(schema=ISSUE)


def issues(  # noqa: PLR0913 - one argument per column of an issue
    frame: pl.DataFrame,
    bad: pl.Expr,
    column: str,
    reason: str,
    message: str,
    *,
    value: pl.Expr | None = None,
    feed: str = "",
) -> pl.DataFrame:
    """Return one issue for each row where `bad` holds."""
    shown = pl.lit(None, pl.String) if value is None else safe(value)
    return frame.filter(bad).select(
        pl.col(ROW).cast(pl.Int64),
        feed=pl.lit(feed),
        column=pl.lit(column),
        reason=pl.lit(reason),
        message=pl.lit(message),
        value=shown,
    )


def safe(value: pl.Expr) -> pl.Expr:
    """Return text that may be shown: shifted cells could bring an address or a phone number."""
    text = value.cast(pl.String)
    is_date = text.str.contains(r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(\D|$)")
    telling = text.str.contains(r"@|\d[\d \-]{9,}|\p{L}{2,}.*\d{5,}") & ~is_date
    return pl.when(telling).then(pl.lit("(not shown)")).otherwise(text.str.slice(0, 60))


def derive(
    frame: pl.DataFrame, rules: Mapping[str, Derive], context: Context, feed: str = ""
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Add derived columns in order.

    Returns:
        The frame with one column more a rule, and the issues found.
    """
    found: list[pl.DataFrame] = []
    for name, rule in rules.items():
        frame, bad = _derive_one(frame, name, rule, context, feed)
        found.extend(bad)
    return frame, pl.concat([no_issues(), *found])


def _derive_one(
    frame: pl.DataFrame, name: str, rule: Derive, context: Context, feed: str
) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    hidden = bool(context.hidden & set(rule.inputs)) and rule.regex is None
    found: list[pl.DataFrame] = []
    if rule.number is not None:
        frame, found = _arithmetic(frame, name, rule, context, feed)
    elif rule.other_site and frame[rule.other_site[1]].null_count() == frame.height:
        frame = frame.with_columns(frame[rule.other_site[0]].alias(name))  # most files have no page
    else:
        frame = frame.with_columns(_produce(rule).alias(name))
    column = pl.col(name)
    if rule.regex is not None:
        frame = frame.with_columns(column.cast(pl.String).str.extract(rule.regex, rule.group))
    shown = None if hidden else pl.col("_before")
    if rule.map is not None:
        mapped = column.replace_strict(
            list(rule.map),
            list(rule.map.values()),
            default=pl.lit(rule.default, pl.String),
            return_dtype=pl.String,
        )
        frame = frame.with_columns(column.cast(pl.String).alias("_before"))
        frame = frame.with_columns(pl.when(column.is_not_null()).then(mapped).alias(name))
        if not rule.has_default:
            told = "is not in the value map"
            bad = pl.col("_before").is_not_null() & ~pl.col("_before").is_in(list(rule.map))
            found.append(issues(frame, bad, name, "unknown_value", told, value=shown, feed=feed))
    if rule.datetime is not None:
        zone = context.zone if rule.zone == "source" else rule.zone
        frame = frame.with_columns(column.cast(pl.String).alias("_before"))
        frame = frame.with_columns(instant(column, rule.datetime, zone).alias(name))
        bad = pl.col("_before").is_not_null() & column.is_null()
        told = "is not a date and time"
        found.append(issues(frame, bad, name, "not_readable", told, value=shown, feed=feed))
    return frame.drop("_before", strict=False), found


def _produce(rule: Derive) -> pl.Expr:
    if rule.source is not None:
        return pl.col(rule.source)
    if rule.expression is not None:
        return pl.sql_expr(rule.expression)
    if rule.concat is not None:
        joined = pl.concat_str(list(rule.concat), separator=rule.separator, ignore_nulls=True)
        return pl.when(joined != "").then(joined)
    if rule.other_site is not None:
        return _other_site(*rule.other_site)
    return pl.coalesce([pl.col(name) for name in rule.first_of or ()])


def _other_site(address: str, here: str) -> pl.Expr:
    """Keep an address unless its host and that of another one are of one site."""
    host = r"(?i)^[a-z-]+://(?:www\.)?([^/:?#]+)"
    there, own = (pl.col(name).str.extract(host).str.to_lowercase() for name in (address, here))
    dot = pl.lit(".")
    same = (there == own) | there.str.ends_with(dot + own) | own.str.ends_with(dot + there)
    return pl.when(~same.fill_null(value=False)).then(pl.col(address))


def _arithmetic(
    frame: pl.DataFrame, name: str, rule: Derive, context: Context, feed: str
) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Evaluate arithmetic on exact decimals; text that is no number is an issue of its column."""
    text = [c for c in sql_columns(rule.number or "") if frame.schema[c] == pl.String]
    numbers = frame.with_columns(exact(pl.col(c), context.numbers).alias(c) for c in text)
    found = []
    for column in text:
        bad = frame[column].is_not_null() & numbers[column].is_null()
        if bad.any():
            value = None if column in context.hidden else pl.col(column)
            told = "is not a number"
            found.append(
                issues(frame, pl.lit(bad), column, "not_readable", told, value=value, feed=feed)
            )
    result = numbers.select(pl.sql_expr(rule.number or "").alias(name))
    return frame.with_columns(result[name]), found


def excluded(frame: pl.DataFrame, form: Format) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Tell which rows of the file the format leaves out.

    A condition that cannot be worked out (null) keeps the row: its bad cell is then reported.

    Returns:
        `_row` and the first reason of each row that is left out, and an issue for each row of
        which only some lines would be: dropping them would change its order in silence.
    """
    rules = [pl.when(pl.sql_expr(sql)).then(pl.lit(why)) for why, sql in form.exclude.items()]
    if form.filter is not None:
        rules.append(pl.when(~pl.sql_expr(form.filter)).then(pl.lit("filter")))
    if not rules:
        return pl.DataFrame(schema={ROW: pl.Int64, "reason": pl.String}), no_issues()
    told = frame.select(ROW, pl.coalesce(rules).alias("reason"))
    if form.explode is None:
        return told.filter(pl.col("reason").is_not_null()), no_issues()
    rows = told.group_by(ROW, maintain_order=True).agg(
        pl.col("reason").drop_nulls().first(), _kept=pl.col("reason").is_null().any()
    )
    rows = rows.filter(pl.col("reason").is_not_null())
    why = "holds lines that the mapping leaves out beside others"
    partly = issues(rows, pl.col("_kept"), "", "partly_excluded", why, value=pl.col("reason"))
    return rows.filter(~pl.col("_kept")).drop("_kept"), partly


def required(frame: pl.DataFrame, form: Format) -> pl.DataFrame:
    """Return an issue for each row that breaks a `require` rule (null counts as broken)."""
    found = [
        issues(
            frame,
            ~pl.sql_expr(sql).fill_null(value=False),
            why,
            "require",
            f"does not hold ({sql})",
        )
        for why, sql in form.require.items()
    ]
    return pl.concat([no_issues(), *found])
