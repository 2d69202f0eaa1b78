"""A source that has been given up and says so, and what is of no shop: nothing is missed of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.landed import built
from tests.support.raw import read

pytestmark = pytest.mark.long

DAYS = [f"2026-03-{day:02}" for day in range(2, 30)]
# Seven orders a day; market was given up on the 15th, site goes on.
UNTIL = "2026-03-15"
SHOP = """
shop: {name: S, currency: EUR, timezone: Europe/Berlin}
alerts: {channels: []}
sources:
  market: {platform: market, shop_id: m, timezone: Europe/Berlin, currency: EUR, until: 2026-03-15,
    files: [{path: market/*.csv, format: plain_orders, daily: true}]}
  site: {platform: site, shop_id: s, timezone: Europe/Berlin, currency: EUR,
    files: [{path: site/*.csv, format: plain_orders, daily: true}]}
  office: {timezone: Europe/Berlin, currency: EUR,
    files: [{path: office/*.csv, format: plain_headcount}]}
"""


def orders(platform: str, last: str) -> str:
    rows = ["order_id,ordered_at,paid_at,status,customer_id,order_amount"]
    rows += [f"{day}-{n},{day} {9 + n:02}:00:00,{day} {9 + n:02}:00:00,completed,{platform}{n},20"
             for day in DAYS if day <= last for n in range(7)]  # fmt: skip
    return "\n".join(rows) + "\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = {
        "market/orders_20260330020000.csv": orders("market", UNTIL),
        "site/orders_20260330020000.csv": orders("site", DAYS[-1]),
        "office/people.csv": "month,team,headcount\n2026-03-01,shop,3\n",
    }
    return built(tmp_path_factory.mktemp("gone"), SHOP, files)


def test_days_after_its_end_are_no_gap(shop: Path) -> None:
    methods = dict(read(shop, """
        select business_date::varchar, method from marts.fct_gmv_change
        where dimension = 'all' and comparison = 'previous_day'
    """).rows())  # fmt: skip
    assert {methods[day] for day in DAYS if day > UNTIL} == {"lmdi"}


def test_what_it_sold_is_missed_as_sales_not_as_data(shop: Path) -> None:
    """On the first day without it the company sold 7 * 20 of 14 * 20, and knows all of it."""
    [row] = read(shop, """
        select gmv, base_gmv from marts.fct_gmv_change where dimension = 'all'
        and comparison = 'previous_day' and business_date = date '2026-03-16'
    """).rows()  # fmt: skip
    assert row == (140, 280)


def test_it_holds_nobody_back(shop: Path) -> None:
    sql = """select last_complete_date::varchar from intermediate.int_completeness_horizons
        where kind = 'purchase' and platform = 'all'"""
    assert read(shop, sql).item() == DAYS[-1]


def test_it_came_as_far_as_it_should(shop: Path) -> None:
    marks = read(shop, """
        select source, complete_until_date::varchar, lag_days, reason
        from quality.source_watermarks where feed = 'orders' order by source
    """).rows()  # fmt: skip
    assert marks == [("market", UNTIL, 0, "ok"), ("site", DAYS[-1], 0, "ok")]


def test_what_is_of_no_shop_needs_no_platform(shop: Path) -> None:
    rows = read(shop, "select source, platform, feed from quality.source_watermarks"
                " where source = 'office' and feed <> 'all'").rows()  # fmt: skip
    assert rows == [("office", "company", "headcount")]
