"""Rows that look for an order, line, product, session, payment or channel and find none."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.support.landed import built
from tests.support.raw import read

SHOP = """
shop: {name: S, currency: EUR, timezone: Europe/Berlin}
sources:
  site: &source
    platform: site
    shop_id: site
    timezone: Europe/Berlin
    currency: EUR
    files:
      - {path: "site/orders.csv", format: plain_orders, daily: false}
      - {path: "site/lines_20260409020000.csv", format: plain_order_items, daily: false}
      - {path: "site/products_20260409020000.csv", format: plain_products, daily: false}
      - {path: "site/refunds_20260409020000.csv", format: plain_refunds, daily: false}
      - {path: "site/events.csv", format: plain_events, daily: false}
      - {path: "site/spend.csv", format: plain_campaign_spend, daily: false}
      - {path: "site/parcels.csv", format: plain_shipments, daily: false}
      - {path: "site/payouts.csv", format: plain_settlements, daily: false}
  till:
    <<: *source
    platform: till
    shop_id: till
    files:
      - {path: "till/orders.csv", format: plain_orders, daily: false}
      - {path: "till/refunds_20260409020000.csv", format: plain_refunds, daily: false}
  company:
    timezone: Europe/Berlin
    currency: EUR
    files:
      - {path: "company/plan_20260409020000.csv", format: plain_targets, daily: false}
"""
REFUNDS = "refund_id,order_id,product_id,refunded_at,amount,kind,status\n"
FILES = {
    # 1 has all; 2 has no line and no visit; 3 waits for its money
    "site/orders.csv": "order_id,ordered_at,paid_at,status,order_amount\n"
    "1,2026-04-06 09:05:00,2026-04-06 09:05:00,completed,30\n"
    "2,2026-04-07 10:05:00,2026-04-07 10:05:00,completed,50\n"
    "3,2026-04-07 11:05:00,,unpaid,70\n",
    "site/lines_20260409020000.csv": "order_id,product_id,quantity,unit_price\n"
    "1,CUP,1,20\n1,LOST,1,10\n3,CUP,1,70\n8,CUP,2,4.50\n",
    "site/products_20260409020000.csv": "product_id,valid_from,name,category_1\n"
    "CUP,2026-01-01,Cup,Kitchen\n",
    "site/refunds_20260409020000.csv": REFUNDS
    + "r1,1,CUP,2026-04-08 09:00:00,5,refund_only,succeeded\n"
    "r2,1,POT,2026-04-08 10:00:00,6,refund_only,succeeded\n"
    "r3,2,POT,2026-04-08 11:00:00,7,refund_only,succeeded\n"
    "r4,3,,2026-04-08 12:00:00,8,refund_only,succeeded\n"
    "r5,9,CUP,2026-04-08 13:00:00,9,refund_only,succeeded\n"
    "r6,9,CUP,2026-04-08 13:00:00,1,refund_only,rejected\n",
    # v2 buys what no order tells of; somebody lets nobody follow him; v3 buys after all orders
    "site/events.csv": "event_id,visitor_id,occurred_at,event_type,utm_source,utm_medium,"
    "utm_campaign,order_id\n"
    "e1,v1,2026-04-06 09:00:00,home,google,cpc,brand,\n"
    "e2,v1,2026-04-06 09:05:00,purchase,,,,1\n"
    "e3,v2,2026-04-07 09:05:00,purchase,,,,7\n"
    "e4,,2026-04-07 09:06:00,home,,,,\n"
    "e5,v3,2026-04-08 09:06:00,purchase,,,,6\n",
    "site/spend.csv": "spend_date,campaign,cost_kind,cost\n"
    "2026-04-06,brand,click,60\n2026-04-06,mystery,click,15\n2026-04-07,riddle,click,2\n",
    "site/parcels.csv": "shipment_id,order_id,carrier,shipped_at\n"
    "p1,1,DHL,2026-04-07 09:00:00\np2,5,DHL,2026-04-08 09:00:00\n",
    "site/payouts.csv": "order_id,settled_amount,due_amount,settled_at\n"
    "1,28,28,2026-04-08 09:00:00\n3,66,66,2026-04-08 09:00:00\n",
    "company/plan_20260409020000.csv": "period,period_start,metric,value\n"
    "month,2026-04-15,gmv,300\n",
    "till/orders.csv": "order_id,ordered_at,paid_at,status,order_amount\n"
    "1,2026-04-06 09:05:00,2026-04-06 09:05:00,completed,11\n",
    "till/refunds_20260409020000.csv": REFUNDS
    + "r1,1,CUP,2026-04-07 09:00:00,1,refund_only,succeeded\n"
    "r2,2,CUP,2026-04-07 09:00:00,2,refund_only,succeeded\n",
}
DAY_6, DAY_7, DAY_8 = date(2026, 4, 6), date(2026, 4, 7), date(2026, 4, 8)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory):
    return built(tmp_path_factory.mktemp("lookups"), SHOP, FILES)


def test_every_row_that_finds_none_is_counted_once_a_thing_it_looks_for(shop) -> None:
    found = read(
        shop,
        "select source, feed, looks_for, day, rows, amount, examples"
        " from quality.orphans_daily order by all",
    )
    euro = Decimal
    assert found.rows() == [
        ("site", "campaign_spend", "channel", DAY_6, 1, euro("15.00"), "mystery"),
        ("site", "campaign_spend", "channel", DAY_7, 1, euro("2.00"), "riddle"),
        ("site", "events", "order", DAY_7, 1, None, "7"),
        ("site", "events", "visitor", DAY_7, 1, None, "e4"),
        ("site", "order_items", "order", None, 1, euro("9.00"), "8"),
        ("site", "order_items", "product", DAY_6, 1, euro("10.00"), "LOST"),
        ("site", "orders", "line", DAY_7, 1, euro("50.00"), "2"),
        ("site", "orders", "session", DAY_7, 1, euro("50.00"), "2"),
        ("site", "refunds", "line", DAY_8, 1, euro("6.00"), "1"),
        ("site", "refunds", "order", DAY_8, 1, euro("9.00"), "9"),
        ("site", "refunds", "payment", DAY_8, 1, euro("8.00"), "3"),
        ("site", "settlements", "payment", DAY_8, 1, euro("66.00"), "3"),
        ("site", "shipments", "order", DAY_8, 1, None, "5"),
        ("till", "refunds", "order", DAY_7, 1, euro("2.00"), "2"),
    ]


def test_what_no_feed_tells_is_not_looked_for(shop) -> None:
    """The till has neither lines nor products nor visits: its rows look for none of them."""
    tried = read(
        shop, "select feed, looks_for, rows, orphan_rows from quality.lookups"
        " where source = 'till' order by all",
    )  # fmt: skip
    assert tried.rows() == [
        ("refunds", "order", 2, 1), ("refunds", "payment", 1, 0), ("refunds", "rate", 1, 0),
    ]  # fmt: skip


def test_the_money_of_the_rows_adds_up(shop) -> None:
    """All refunds that succeeded: 5 + 6 + 7 + 8 + 9; those with an order and its payment: 18."""
    sums = read(
        shop, "select looks_for, amount, orphan_amount from quality.lookups"
        " where source = 'site' and feed = 'refunds' order by all",
    )  # fmt: skip
    assert sums.rows() == [
        ("line", Decimal("11.00"), Decimal("6.00")),
        ("order", Decimal("35.00"), Decimal("9.00")),
        ("payment", Decimal("26.00"), Decimal("8.00")),
        ("rate", Decimal("26.00"), None),
    ]


def test_a_plan_that_is_dated_within_its_month_is_of_all_its_days(shop) -> None:
    found = read(
        shop, "select round(sum(target), 9), count(*), min(business_date) from"
        " marts.fct_targets_daily where metric = 'gmv' and dimension = 'all'",
    )  # fmt: skip
    assert found.rows() == [(300.0, 30, date(2026, 4, 1))]
