"""What the values of each feed must be: one pandera schema a feed.

Belongs here: domains of canonical columns. Does not belong here: types and keys (`feeds.py`), nor
rules between rows or tables (dbt tests).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import polars as pl

from ingestion.feeds import COUNT, DAY, FEEDS, INSTANT, MONEY, PRICE

if TYPE_CHECKING:
    import pandera.polars as pa

ORDER_STATUSES = (
    "unpaid",
    "deposit_paid",
    "paid",
    "shipped",
    "completed",
    "closed",
    "refunded",
)
EVENT_TYPES = (
    *("home", "list", "search", "product_view", "favourite"),
    *("add_to_cart", "checkout", "purchase", "other"),
)
ALLOWED: dict[tuple[str, str], tuple[str, ...]] = {
    ("orders", "status"): ORDER_STATUSES,
    ("refunds", "kind"): ("refund_only", "return"),
    ("refunds", "status"): ("requested", "succeeded", "rejected"),
    ("events", "event_type"): EVENT_TYPES,
    ("traffic_daily", "grain"): ("shop", "traffic_source", "product", "live_room"),
    ("campaign_spend", "cost_kind"): ("click", "slot_fee", "cps"),
}
_AT_LEAST_ONE = frozenset({("order_items", "quantity"), ("order_items", "line_number")})
# Claimed values of a platform may be negative (its own corrections); all else counts up from 0.
_SIGNED = frozenset(
    {("campaign_spend", "claimed_value"), ("campaign_spend", "claimed_conversions")}
)
_FIRST, _LAST = 1990, 2100


def _checks(feed: str, column: str, dtype: Any, check: type[pa.Check]) -> list[pa.Check]:
    found: list[pa.Check] = []
    if (feed, column) in ALLOWED:
        found.append(check.isin(list(ALLOWED[feed, column])))
    elif column == "currency":
        found.append(check.str_matches(r"^[A-Z]{3}$"))
    elif dtype == INSTANT:
        found.append(check.in_range(datetime(_FIRST, 1, 1), datetime(_LAST, 1, 1)))
    elif dtype == DAY:
        found.append(check.in_range(date(_FIRST, 1, 1), date(_LAST, 1, 1)))
    elif dtype in (MONEY, PRICE, COUNT) and (feed, column) not in _SIGNED:
        found.append(check.ge(1 if (feed, column) in _AT_LEAST_ONE else 0))
    return found


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
    return pa.DataFrameSchema(
        {
            name: pa.Column(
                dtype,
                checks=_checks(feed, name, dtype, pa.Check),
                nullable=name not in canonical.required,
            )
            for name, dtype in canonical.columns.items()
        },
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
