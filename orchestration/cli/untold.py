"""What the data of the last good build leave in doubt, for `kpi doctor`.

Belongs here: visits that no rule of channels knows, sites that sent visits, customers with too many
orders. Does not belong here: the rules.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import duckdb

_SQL = """
    select
        coalesce(utm_source, '(none)') || ' / ' || coalesce(utm_medium, '(none)') as tagged,
        count(*) as session_count,
        sum(count(*)) over () as all_sessions
    from intermediate.int_sessions_built
    where channel = 'other'
    group by all
    order by session_count desc, tagged
    limit 10
"""

# Without the page of an event the shop's own domain is a referrer like any other.
_REFERRERS = """
    select utm_source, count(*) as session_count
    from intermediate.int_sessions_built
    where channel = 'referral' and utm_medium = 'referral' and utm_source is not null
    group by utm_source
    order by session_count desc, utm_source
    limit 5
"""

# A wholesale buyer may have many orders of a small shop: enough to look at, no error.
_CROWDED = """
    select
        source,
        count(*) as order_count,
        sum(count(*)) over (partition by source) as all_orders,
        min(order_id) || ', ' || max(order_id) as examples,
        customer_key
    from staging.stg_raw__orders
    group by source, customer_key
    qualify customer_key is not null and order_count > 20 and order_count > 0.05 * all_orders
    order by order_count desc, source
    limit 10
"""


class Crowd(NamedTuple):
    """A customer with more orders than one may have.

    Attributes:
        source: whose customer.
        orders: how many.
        of: orders of the source.
        examples: two of the order ids.
    """

    source: str
    orders: int
    of: int
    examples: str


def crowded_customers(build: Path) -> list[Crowd]:
    """Customers with more than 20 orders and 5 % of those of their source, most orders first."""
    return [Crowd(source, int(orders), int(of), examples)
            for source, orders, of, examples, _ in _rows(build, _CROWDED)]  # fmt: skip


def other_visits(build: Path) -> tuple[int, list[tuple[str, int]]]:
    """Sessions of channel `other` over all days: how many, and the ten commonest tags of them.

    Args:
        build: build file of the last good run; without one there is nothing to tell.
    """
    rows = _rows(build, _SQL)
    return (int(rows[0][2]) if rows else 0), [(str(tag), int(count)) for tag, count, _ in rows]


def referrers(build: Path) -> list[tuple[str, int]]:
    """The five sites that send most visits without being known as a channel, and how many."""
    return [(str(host), int(count)) for host, count in _rows(build, _REFERRERS)]


def _rows(build: Path, query: str) -> list[tuple[Any, ...]]:
    if not build.exists():
        return []
    try:
        with duckdb.connect(str(build), read_only=True) as con:
            return con.execute(query).fetchall()
    except (duckdb.IOException, duckdb.CatalogException, duckdb.BinderException):
        return []  # a build under way, or one of an earlier version: the next run mends it
