"""Weeks and months of the golden shop, worked out from the days in README.md.

All sales of November 2026 are in its week from Monday the 9th, so both have the same figures but
for the marketplace's day of traffic on the 7th, which has no visitors here. 9 November 2025, the
first day of all, is a Sunday.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from orchestration.build.dbt import variables
from tests.golden.shop import deliveries
from tests.support.homes import Home
from tests.support.raw import PROJECT, read, run_dbt, write_raw

COMPANY = {
    "visitors": 8,  # v0 to v7 of the site; the marketplace's totals are of days
    "tracked_buyers": 3,  # B, E, K
    "untracked_buyers": 6,  # A, D, G, J, L of the marketplace, F of the till
    "buyers": 9,
    "identified_orders": 19,
    "anonymous_orders": 3,  # S4, O2, O4
    "orders": 22,
    "units": 28,
    "gmv": 1710,
    "net_sales": 1540,  # less 100, 30 and 40
    "net_sales_by_order_date": 1580,  # T1, refunded by 40, is of the year before
    "new_buyers": 7,  # all but A and B
    "repeat_buyers": 5,  # A, D, E, F, K; B bought once
    "conversion_rate": 3 / 8,
    "orders_per_buyer": 19 / 9,
    "aov": 1710 / 22,
    "gmv_per_buyer": 190,
    "repeat_purchase_rate": 5 / 9,
}


@pytest.mark.parametrize(
    ("table", "start", "complete"),
    [("weekly", date(2026, 11, 9), False), ("monthly", date(2026, 11, 1), False)],
)
def test_company(golden_build: Path, table: str, start: date, complete: bool) -> None:
    row = read(
        golden_build,
        f"select * from marts.fct_gmv_{table} where dimension = 'all'"
        f" and period_start = date '{start}'",
    ).row(0, named=True)
    assert {name: float(row[name]) for name in COMPANY} == pytest.approx(COMPANY, rel=1e-12)
    assert row["is_complete"] is complete


def test_segments_of_the_month(golden_build: Path) -> None:
    """E came by mail first: all of her buying is one buyer of that channel, S3's order is not."""
    rows = read(
        golden_build,
        "select dimension, segment, visitors, buyers, orders, gmv::double"
        " from marts.fct_gmv_monthly where period_start = date '2026-11-01'"
        " and (dimension in ('platform', 'customer_type') or segment in ('email', 'direct'))",
    )
    assert set(rows.rows()) == {
        ("platform", "tmall", None, 5, 9, 790.0),
        ("platform", "shopify", 8, 3, 7, 500.0),
        ("platform", "pos", None, 1, 6, 420.0),
        # v1 by mail; v2, v4, v6, v0 direct
        ("channel", "email", 1, 1, 2, 190.0),
        ("channel", "direct", 4, 1, 3, 200.0),
        # A and B paid before November; G 60, J 100, D 250, E 240, K 180, L 0, F 320 are new
        ("customer_type", "new", 2, 7, 15, 1150.0),
        ("customer_type", "returning", 0, 2, 4, 430.0),
        ("customer_type", "(unidentified)", 6, 0, 3, 130.0),
    }


def test_a_complete_month(golden_build: Path) -> None:
    rows = read(
        golden_build,
        "select period_start, is_complete, visitors, gmv::double from marts.fct_gmv_monthly"
        " where dimension = 'all' and period_start in ('2025-11-01', '2025-12-01') order by 1",
    )
    assert rows.rows() == [
        (date(2025, 11, 1), False, 2, 210.0),
        (date(2025, 12, 1), True, None, 0.0),
    ]


def test_weeks_of_a_shop_that_begins_them_on_sunday(tmp_path: Path) -> None:
    """T1, S1 and T2 of 2025 are of one week; by Mondays T2 is of the one after."""
    _, given = variables(Home(tmp_path / "home", week_start="sunday").settings)
    file = tmp_path / "working.duckdb"
    write_raw(file, deliveries())
    run_dbt(PROJECT, file, "build", "--full-refresh", "--select", "+gmv_periods_reconcile",
            "--indirect-selection", "empty", vars=json.loads(given))  # fmt: skip
    rows = read(
        file,
        "select period_start, is_complete, visitors, tracked_buyers, buyers, new_buyers, orders,"
        " units, gmv::double, net_sales_by_order_date::double from marts.fct_gmv_weekly"
        " where dimension = 'all' and orders > 0 order by 1",
    )
    assert rows.rows() == [
        # v8, v9; A, B and C, of whom B bought on the site; T1 was refunded by 40
        (date(2025, 11, 9), True, 2, 1, 3, 3, 3, 4, 210.0, 170.0),
        # T7 was placed in October and paid on the 11th
        (date(2026, 11, 8), False, 8, 3, 9, 7, 22, 28, 1710.0, 1580.0),
    ]
