"""What the values of each feed must be: one pandera schema a feed.

Belongs here: turning the columns of `feeds/` into checks. Does not belong here: what the columns
are and mean (`feeds/`), nor rules between rows or tables (dbt tests).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import polars as pl

from ingestion.feeds import DAY, FEEDS, INSTANT, Column

if TYPE_CHECKING:
    import pandera.polars as pa

_FIRST, _LAST = 1990, 2100


def _checks(column: Column, check: type[pa.Check]) -> list[pa.Check]:
    if column.allowed:
        return [check.isin(list(column.allowed))]
    if column.name == "currency":
        return [check.str_matches(r"^[A-Z]{3}$")]
    if column.dtype == INSTANT:
        return [check.in_range(datetime(_FIRST, 1, 1), datetime(_LAST, 1, 1))]
    if column.dtype == DAY:
        return [check.in_range(date(_FIRST, 1, 1), date(_LAST, 1, 1))]
    if pl.Series(dtype=column.dtype).dtype.is_numeric() and column.minimum is not None:
        return [check.ge(column.minimum)]
    return []


@lru_cache
def schema_of(feed: str) -> pa.DataFrameSchema:
    """Return the schema of a feed's canonical columns; import pandera only when asked (1-2 s).

    Args:
        feed: a name of FEEDS.

    Returns:
        A strict schema: exactly the canonical columns, with types, nullability and domains.
    """
    import pandera.polars as pa

    canonical = FEEDS[feed]
    given = {column.name: column for column in canonical.given}
    return pa.DataFrameSchema(
        {
            name: pa.Column(
                dtype,
                checks=_checks(given[name], pa.Check),
                nullable=not given[name].is_required,
                description=given[name].description,
            )
            for name, dtype in canonical.columns.items()
        },
        description=canonical.grain,
        strict=True,
        ordered=True,
    )


# Pandera's checks as polars expressions, by the name and statistics pandera itself gives them.
_AS_EXPRESSION: dict[str, Callable[[pl.Expr, dict[str, Any]], pl.Expr]] = {
    "greater_than_or_equal_to": lambda cell, told: cell >= told["min_value"],
    "isin": lambda cell, told: cell.is_in(list(told["allowed_values"])),
    "in_range": lambda cell, told: cell.is_between(told["min_value"], told["max_value"]),
    "str_matches": lambda cell, told: cell.str.contains(told["pattern"]),
}


@lru_cache
def all_pass(feed: str) -> pl.Expr:
    """Return one expression, true where all rows pass the feed's schema (types apart).

    Pandera takes 10 to 30 ms a frame to go through its columns one by one, as long as reading a
    day's file. This asks the same checks of the same schema at once, in 1 ms, so that pandera only
    has to name the cells where something fails.
    """
    conditions = []
    for name, column in schema_of(feed).columns.items():
        cell = pl.col(name)
        if not column.nullable:
            conditions.append(cell.is_not_null().all())
        conditions.extend(
            _AS_EXPRESSION[str(check.name)](cell, check.statistics or {}).all()
            for check in column.checks
        )
    return pl.all_horizontal(conditions)
