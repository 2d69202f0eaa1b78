"""Shops of which some feeds do not tell: what needs one of them is NULL in every mart, never 0."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path

import duckdb
import pytest
import yaml

from tests.support.landed import built
from tests.support.needs import OTHERS, needs, unknown
from tests.support.raw import read

DAYS = [f"2026-03-{day:02}" for day in range(9, 19)]
FEEDS = ("orders", "events", "traffic_daily", "campaign_spend", "refunds")


def text_of(feed: str) -> str:
    """Ten days of a feed; nothing in it is a zero."""
    rows = {
        "orders": ("order_id,ordered_at,paid_at,status,customer_id,order_amount",
                   "{0}-{1},{0} 09:0{1}:00,{0} 09:0{1}:00,completed,c{1},2{1}"),
        "events": ("event_id,visitor_id,occurred_at,event_type,order_id,utm_source,utm_medium",
                   "{0}-{1},v{1},{0} 09:0{1}:00,purchase,{0}-{1},google,cpc"),
        "traffic_daily": ("traffic_date,grain,segment,visitors", "{0},shop,s{1},40"),
        "campaign_spend": ("spend_date,campaign,cost_kind,cost", "{0},brand{1},click,12"),
        "refunds": ("refund_id,order_id,refunded_at,amount,kind,status",
                    "{0}-{1},{0}-{1},{0} 12:00:00,3,refund_only,succeeded"),
    }  # fmt: skip
    head, row = rows[feed]
    return "\n".join([head, *(row.format(day, n) for day in DAYS for n in (1, 2))]) + "\n"


def source(name: str, feeds: Iterable[str]) -> dict[str, object]:
    files = [{"path": f"{name}/{feed}_20260319020000.csv", "format": f"plain_{feed}",
              "daily": False} for feed in feeds]  # fmt: skip
    return {"platform": name, "shop_id": name, "timezone": "Europe/Berlin", "currency": "EUR",
            "files": files}  # fmt: skip


def shop_of(sources: dict[str, tuple[str, ...]]) -> tuple[str, dict[str, str]]:
    """Text of `shop.yml` and the files of sources that deliver some feeds."""
    text = yaml.safe_dump({
        "shop": {"name": "S", "currency": "EUR", "timezone": "Europe/Berlin"},
        "sources": {name: source(name, feeds) for name, feeds in sources.items()},
        "alerts": {"channels": []},
    })  # fmt: skip
    files = {f"{name}/{feed}_20260319020000.csv": text_of(feed)
             for name, feeds in sources.items() for feed in feeds}  # fmt: skip
    return text, files


def zeros(file: Path, feeds: Iterable[str], where: str = "true") -> Iterator[tuple[str, str]]:
    """Columns that say 0, or anything, of what none of the feeds tells."""
    needing = unknown(feeds)
    with duckdb.connect(file, read_only=True) as con:
        marts = con.sql("select table_name from duckdb_tables() where schema_name = 'marts'")
        for (mart,) in marts.order("all").fetchall():
            columns = con.sql(f"from marts.{mart} limit 0").columns
            if where != "true" and where.split(maxsplit=1)[0] not in columns:
                continue
            if names := sorted(needing & set(columns)):
                counts = ", ".join(f"count({name})" for name in names)
                [found] = con.execute(f"select {counts} from marts.{mart} where {where}").fetchall()
                yield from (
                    (mart, name)
                    for name, n in zip(names, found, strict=True)
                    if n and (mart, name) not in OTHERS
                )


COMBINATIONS = {
    "_".join(feed[0] for feed in feeds): feeds
    for size in (1, 2, 3, 4)
    for feeds in combinations(FEEDS[:4], size)
} | {"o_r": ("orders", "refunds")}


@pytest.fixture(scope="module")
def platforms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company with a platform of each combination of feeds."""
    text, files = shop_of(COMBINATIONS)
    return built(tmp_path_factory.mktemp("platforms"), text, files)


@pytest.mark.parametrize("name", COMBINATIONS)
def test_of_a_platform_nothing_is_said_that_its_feeds_do_not_tell(
    platforms: Path, name: str
) -> None:
    feeds = COMBINATIONS[name]
    # what is spent is a part of what all platforms sell
    of_company = {("fct_channel_daily", "spend_rate")}
    assert set(zeros(platforms, feeds, f"platform = '{name}'")) <= of_company
    by_platform = f"dimension = 'platform' and segment = '{name}'"
    # of sales that no feed tells there is no change; visitors that none tells are not 0
    changes = {("fct_gmv_change", column) for column in needs().keys() - {"visitors"}}
    assert set(zeros(platforms, feeds, by_platform)) <= changes
    [(days, gmv, visitors)] = read(
        platforms,
        f"select count(*), sum(gmv), sum(visitors) from marts.fct_gmv_daily where {by_platform}",
    ).rows()
    # a platform with spend alone has neither sales nor visitors, so no row
    assert days == (0 if feeds == ("campaign_spend",) else len(DAYS))
    assert gmv == (430 if "orders" in feeds else None)
    expected = 20 if "events" in feeds else 800 if "traffic_daily" in feeds else None
    assert visitors == expected


def test_the_company_sums_what_is_told(platforms: Path) -> None:
    """Nine platforms tell orders, eight events, four of the others totals alone, one refunds."""
    sums = read(
        platforms,
        "select sum(gmv), sum(visitors), sum(visitors) filter (where gmv is null), sum(net_sales)"
        " from marts.fct_gmv_daily where dimension = 'all'",
    )
    assert sums.rows() == [(9 * 430, 8 * 20 + 4 * 800, None, None)]
    ladder = read(
        platforms,
        "select rung, sum(amount), sum(other_amount) from marts.fct_sales_ladder_daily"
        " where refund_basis = 'refund_date' and rung_number > 5 group by rung, rung_number"
        " order by rung_number",
    )
    assert ladder.rows() == [("paid", 9 * 430, 0), *(
        (rung, None, None)
        for rung in ("refunded_before_shipping", "refunded_after_shipping", "returned", "net")
    )]  # fmt: skip


def test_what_is_left_after_refunds_is_known_of_who_tells_them(platforms: Path) -> None:
    """Of platform o_r 20 orders of 215 a day for two, and 3 back of each."""
    net = read(
        platforms,
        "select sum(net_sales), sum(net_sales_by_order_date) from marts.fct_gmv_daily"
        " where dimension = 'platform' and segment = 'o_r'",
    )
    assert net.rows() == [(430 - 60, 430 - 60)]
    orders = read(
        platforms,
        "select platform = 'o_r', count(*), count(refunded_amount), sum(refunded_amount)"
        " from marts.fct_orders group by all order by all",
    )
    assert orders.rows() == [(False, 160, 0, None), (True, 20, 20, 60)]


@pytest.mark.parametrize(
    "feed",
    [feed if feed == "events" else pytest.param(feed, marks=pytest.mark.long) for feed in FEEDS],
)
def test_of_a_shop_with_one_feed_nothing_else_is_said(feed: str, tmp_path: Path) -> None:
    text, files = shop_of({"web": (feed,)})
    file = built(tmp_path, text, files)
    assert set(zeros(file, {feed})) == set()
    [(days, gmv, aov, visitors, conversion)] = read(
        file, "select count(*), sum(gmv), max(aov), sum(visitors), max(conversion_rate)"
        " from marts.fct_gmv_daily where dimension = 'all'",
    ).rows()  # fmt: skip
    assert days == len(DAYS)
    assert (gmv, aov) == ((430, 21.5) if feed == "orders" else (None, None))
    assert visitors == {"events": 20, "traffic_daily": 800}.get(feed)
    assert conversion is None
    ladder = read(file, "select count(*) from marts.fct_sales_ladder_daily").rows()
    assert (ladder == [(0,)]) == (feed != "orders")
