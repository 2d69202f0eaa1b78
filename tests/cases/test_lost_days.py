"""Days on which all orders of a platform are lost: NULL in every mart, never 0."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.landed import built
from tests.support.raw import read

# Mondays to Sundays of three weeks; seven orders of 21 to 27 a day are 168
DAYS = [f"2026-03-{day:02}" for day in range(2, 23)]
OF_A_DAY = 168
# market lost the 12th and the 18th, site the 18th; paid: of the 14th only what was placed before
LOST = {"market": {"2026-03-12", "2026-03-14", "2026-03-18"}, "site": {"2026-03-18"}}
VISITORS = 40
MARTS = ("fct_gmv_daily", "fct_gmv_weekly", "fct_gmv_change", "fct_channel_daily",
         "fct_sales_ladder_daily", "fct_attribution_daily")  # fmt: skip


def files_of(platform: str) -> dict[str, str]:
    """Orders of all days that are not lost; refunds, traffic and spend of all days."""
    orders = ["order_id,ordered_at,paid_at,status,customer_id,order_amount"]
    for day in DAYS:
        if day not in LOST[platform]:
            orders += [f"{day}-{n},{day} {9 + n:02}:00:00,{day} {9 + n:02}:00:00,completed,"
                       f"{platform}{n},2{n}" for n in range(1, 8)]  # fmt: skip
    if platform == "market":  # placed on the 13th, paid on the day of which no order came
        orders.append("late,2026-03-13 23:00:00,2026-03-14 01:00:00,completed,market9,50")
    refunds = ["refund_id,order_id,refunded_at,amount,kind,status",
               *(f"r{day},{DAYS[0]}-1,{day} 12:00:00,1,refund_only,succeeded"
                 for day in ("2026-03-11", "2026-03-12", "2026-03-18"))]  # fmt: skip
    traffic = ["traffic_date,grain,segment,visitors",
               *(f"{day},shop,{platform},{VISITORS}" for day in DAYS)]  # fmt: skip
    spend = ["spend_date,campaign,cost_kind,cost", *(f"{day},brand,click,12" for day in DAYS)]
    tables = {"orders": orders, "refunds": refunds, "traffic_daily": traffic,
              "campaign_spend": spend}  # fmt: skip
    return {
        f"{platform}/{feed}_20260323020000.csv": "\n".join(rows) + "\n"
        for feed, rows in tables.items()
    }


def source(platform: str) -> dict[str, Any]:
    feeds = ("orders", "refunds", "traffic_daily", "campaign_spend")
    return {"platform": platform, "shop_id": platform, "timezone": "Europe/Berlin",
            "currency": "EUR", "files": [
                {"path": f"{platform}/{feed}_20260323020000.csv", "format": f"plain_{feed}",
                 "daily": feed == "orders"} for feed in feeds]}  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    text = yaml.safe_dump({
        "shop": {"name": "S", "currency": "EUR", "timezone": "Europe/Berlin"},
        "sources": {name: source(name) for name in LOST}, "alerts": {"channels": []},
    })  # fmt: skip
    files = {name: rows for platform in LOST for name, rows in files_of(platform).items()}
    return built(tmp_path_factory.mktemp("lost"), text, files)


def daily(shop: Path, dimension: str, segment: str, columns: str) -> dict[str, tuple]:
    rows = read(
        shop,
        f"select business_date::varchar, {columns} from marts.fct_gmv_daily"
        f" where dimension = '{dimension}' and segment = '{segment}'",
    ).rows()  # fmt: skip
    return {day: figures for day, *figures in rows}


@pytest.mark.parametrize("dimension", ["platform", "shop"])
def test_a_lost_day_has_a_row_of_visitors_and_no_sales(shop: Path, dimension: str) -> None:
    sums = "gmv, orders, buyers, units, net_sales, net_sales_by_order_date, aov, visitors"
    days = daily(shop, dimension, "market", sums)
    assert set(days) == set(DAYS)
    assert days["2026-03-12"] == [*[None] * 7, VISITORS]
    assert days["2026-03-11"][:2] == [OF_A_DAY, 7]
    assert days["2026-03-11"][4] == OF_A_DAY - 1  # less the refund of the day
    # one order paid that day has come, so the day is known in part
    assert days["2026-03-14"][:3] == [50, 1, 1]


def test_the_company_sums_who_is_known(shop: Path) -> None:
    """On the 12th the site's 168 less what both gave back; on the 18th nobody is known."""
    days = daily(shop, "all", "all", "gmv, orders, net_sales, visitors")
    assert days["2026-03-12"] == [OF_A_DAY, 7, OF_A_DAY - 2, 2 * VISITORS]
    assert days["2026-03-18"] == [None, None, None, 2 * VISITORS]
    assert days["2026-03-10"] == [2 * OF_A_DAY, 14, 2 * OF_A_DAY, 2 * VISITORS]


def test_a_week_sums_its_known_days(shop: Path) -> None:
    weeks = read(
        shop,
        "select segment, period_start::varchar, gmv::double from marts.fct_gmv_weekly"
        " where dimension in ('all', 'platform') and period_start > date '2026-03-02' order by all",
    ).rows()
    market, site = (5 * OF_A_DAY + 50, 6 * OF_A_DAY), (7 * OF_A_DAY, 6 * OF_A_DAY)
    assert weeks == [
        ("all", "2026-03-09", market[0] + site[0]), ("all", "2026-03-16", market[1] + site[1]),
        ("market", "2026-03-09", market[0]), ("market", "2026-03-16", market[1]),
        ("site", "2026-03-09", site[0]), ("site", "2026-03-16", site[1]),
    ]  # fmt: skip


def test_the_ladder_of_a_lost_day(shop: Path) -> None:
    """On the 12th what the site sold and both gave back; on the 18th every rung is unknown."""
    rows = read(
        shop,
        "select business_date::varchar, rung, amount::double from marts.fct_sales_ladder_daily"
        " where refund_basis = 'refund_date'",
    ).rows()
    rungs = {day: {rung: amount for of, rung, amount in rows if of == day} for day, *_ in rows}
    assert rungs.keys() == set(DAYS)
    known = rungs["2026-03-12"]
    assert (known["placed"], known["paid"], known["net"]) == (168, 168, 166)
    assert len(rungs["2026-03-18"]) == 10
    assert set(rungs["2026-03-18"].values()) == {None}


def test_channels_of_a_lost_day_have_cost_and_no_sales(shop: Path) -> None:
    rows = read(
        shop,
        "select business_date::varchar, sum(cost)::double, sum(gmv)::double, sum(orders),"
        " sum(attributed_net_sales), max(mer) from marts.fct_channel_daily"
        " where platform = 'market' and is_additive group by all",
    ).rows()
    days = {day: figures for day, *figures in rows}
    assert days["2026-03-12"] == [12, None, None, None, None]
    assert days["2026-03-11"][:3] == [12, OF_A_DAY, 7]
    assert days["2026-03-11"][4] == pytest.approx(OF_A_DAY / 12)


def test_only_what_is_known_on_both_sides_is_compared(shop: Path) -> None:
    rows = read(
        shop,
        "select business_date::varchar, comparison, segment, gmv, base_gmv, method"
        " from marts.fct_gmv_change where dimension in ('all', 'platform')",
    ).rows()
    told = {(day, name): {} for day, name, *_ in rows}
    for day, name, segment, *figures in rows:
        told[day, name][segment] = tuple(figures)
    # market is left out of the day it lost, on both sides
    alone = (OF_A_DAY, OF_A_DAY, "lmdi_gap")
    assert told["2026-03-12", "previous_day"] == {"all": alone, "site": alone}
    assert told["2026-03-12", "last_week"] == {"all": alone, "site": alone}
    # a day that it lost is no base, and of a day that all lost nothing is said
    lost = {("2026-03-13", "previous_day"), ("2026-03-18", "previous_day"),
            ("2026-03-18", "last_week"), ("2026-03-19", "previous_day"),
            ("2026-03-19", "last_week")}  # fmt: skip
    assert not lost & told.keys()
    both = (2 * OF_A_DAY, 2 * OF_A_DAY, "lmdi")
    assert told["2026-03-11", "previous_day"]["all"] == both
    assert told["2026-03-20", "last_week"]["all"] == both
