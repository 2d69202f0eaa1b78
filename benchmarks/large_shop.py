"""A made-up shop of any number of events, as export files in the plain formats.

The simulator of the demo plants truths and draws 0.3 M events a second at most; this one plants
nothing and is quick. What is hard for a warehouse is in it: random keys, files that are not in
order of time, steps told out of order, ties, rows that come a file late or twice, orders that
change, purchases told twice, customers who are several visitors, and a marketplace without events.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from string import Template

import duckdb

SIZES = {"XS": 500_000, "S": 2_000_000, "M": 20_000_000, "L": 100_000_000}
DAYS = {"XS": 364, "S": 728, "M": 910, "L": 1092}
LAST_DAY = date(2026, 9, 30)
_PERIOD_DAYS = 28
_SQL = Path(__file__).with_name("large_shop.sql")
_SHOP = Template("""shop: {name: Large shop, currency: CNY, timezone: Asia/Shanghai}
sources:
$sources
alerts: {channels: []}
privacy: {key: "file:data/state/pseudonym.key"}
publish: {keep: 3}
build: {threads: $threads}
""")
_SOURCE = """  {0}:
    platform: {0}
    shop_id: {0}-1
    timezone: Asia/Shanghai
    currency: CNY
    files:
"""
_FEEDS = {
    "web": ("events", "orders", "order_items", "refunds"),
    "market": ("orders", "order_items", "refunds", "traffic_daily"),
}
_ORDERS = """
    order_id, platform, shop_id, bought_at as ordered_at, {status} as status,
    case when status = 'paid' then bought_at + interval 20 second end as paid_at, customer_id,
    region, 8.00 as shipping_amount, {updated} as updated_at,
    (select sum(quantity * unit_price - discount_amount) from lines
     where lines.order_id = orders.order_id and not is_gift) as order_amount"""
_FILES = {
    "events": "select * exclude (told_at, is_late, is_repeated) from ("
    "select * from events where not is_late union all select * from held_events)"
    " order by told_at + to_seconds(cast(1800 * dice(event_id, 'order') as bigint))",
    "orders": f"select {_ORDERS.format(status='status', updated='bought_at')} from orders"
    " where platform = '{0}' union all by name select * from held_orders where platform = '{0}'",
    "order_items": "select order_id, line_number, product_id, category, quantity, unit_price,"
    " discount_amount, cost_amount, is_gift, true as is_goods from lines where platform = '{0}'",
    "refunds": "select refund_id, order_id, refunded_at, amount, amount as goods_amount, kind,"
    " 'succeeded' as status from refunds"
    " where platform = '{0}' and refunded_at < date '{1}'",
    "traffic_daily": "select cast(bought_at as date) as traffic_date, 'market' as platform,"
    " 'market-1' as shop_id, 'shop' as grain, 'all' as segment,"
    " 12 * count(*) as visitors from orders where platform = 'market' group by all",
}


@dataclass(frozen=True)
class Shape:
    """How many orders there are to an event.

    Attributes:
        mean_events: events a session.
        conversion: share of the sessions with an order.
        market_share: orders of the marketplace, as a share of sessions.
    """

    mean_events: float
    conversion: float
    market_share: float


SHAPES = {"realistic": Shape(8.0, 0.025, 0.01), "order_heavy": Shape(3.5, 0.45, 0.4)}


def write(home: Path, shape: Shape, events: int, days: int, threads: int = 2) -> date:
    """Write shop.yml and the inbox of a shop with about so many events; return its last day."""
    inbox, state = home / "data/inbox", home / "data/state"
    state.mkdir(parents=True)
    (state / "pseudonym.key").write_text("5eed" * 16)
    (state / "pseudonym.key").chmod(0o600)
    sources = "".join(
        _SOURCE.format(name)
        + "".join(f'      - {{path: "{name}/{f}_*.csv", format: plain_{f}}}\n' for f in feeds)
        for name, feeds in _FEEDS.items()
    )
    (home / "shop.yml").write_text(_SHOP.substitute(sources=sources, threads=threads))
    periods = max(days // _PERIOD_DAYS, 1)
    sessions = round(events / shape.mean_events / periods)
    with duckdb.connect() as con:
        con.execute(f"set threads = {threads}")
        for period in range(periods):
            first = LAST_DAY - timedelta(days=(periods - period) * _PERIOD_DAYS - 1)
            made = _SQL.read_text().format(
                period=period, periods=periods, first_day=first, days=_PERIOD_DAYS,
                sessions=sessions, market_orders=max(round(sessions * shape.market_share), 60),
                visitors=sessions * periods * 0.4, mean_events=shape.mean_events,
                conversion=shape.conversion, end_day=LAST_DAY + timedelta(days=1),
            )  # fmt: skip
            con.execute(made)
            if period == 0:
                con.execute("create table held_events as from events limit 0")
                con.execute(f"create table held_orders as select {_held()} from orders limit 0")
            if period == periods - 1:
                con.execute("update events set is_late = false")
            end = first + timedelta(days=_PERIOD_DAYS)
            _export(con, inbox, end)
            con.execute(
                "create or replace table held_events as from events where is_late or is_repeated;"
                f"delete from refunds where refunded_at < date '{end}';"
                f"create or replace table held_orders as select {_held()} from orders"
                " where is_changed and status = 'paid'"
            )
    return LAST_DAY


def _held() -> str:
    return _ORDERS.format(status="'completed'", updated="bought_at + interval 9 day")


def _export(con: duckdb.DuckDBPyConnection, inbox: Path, at: date) -> None:
    stamp = datetime.combine(at, time(2)).strftime("%Y%m%d%H%M%S")
    for source, feeds in _FEEDS.items():
        (inbox / source).mkdir(parents=True, exist_ok=True)
        for feed in feeds:
            path = inbox / source / f"{feed}_{stamp}.csv"
            con.execute(f"copy ({_FILES[feed].format(source, at)}) to '{path}' (header)")
