"""Parcels, after-sales, live sessions, experiments and risk of the golden shop, by README.md."""

from __future__ import annotations

from datetime import date
from math import sqrt
from pathlib import Path

import pytest

from tests.support.raw import read

NINTH, TENTH, ELEVENTH, TWELFTH, THIRTEENTH = (date(2026, 11, day) for day in range(9, 14))


def test_parcels(golden_build: Path) -> None:
    """Parcels tell until the 13th, 09:00; the marketplace and the till tell of none."""
    rows = read(
        golden_build,
        "select business_date, carrier, region, orders, parcels, split_orders, waiting_orders,"
        " overdue_orders, due_24h_orders, shipped_24h_orders, due_48h_orders, shipped_48h_orders,"
        " pay_to_ship_hours, ship_to_deliver_hours, due_parcels, on_time_parcels,"
        " freight_amount::double from marts.fct_fulfilment_daily",
    )
    nobody = ("(not shipped)", "(unknown)")
    assert set(rows.rows()) == {
        # completed, nobody says when it left
        (date(2025, 11, 9), *["(unknown)"] * 2, 1, 0, 0, 0, 0, *[0] * 4, None, None, 0, 0, None),
        # S2 after 10 hours, 36 on the way; S3 after 34, 60 on the way and late
        (NINTH, "post", "上海市", 2, 2, 0, 0, 0, 2, 1, 2, 2, 44.0, 96.0, 2, 1, 16.0),
        # S4 was paid before the first parcel told of
        (NINTH, *nobody, 1, 0, 0, 0, 0, 0, 0, 0, 0, None, None, 0, 0, None),
        # S6 after 24 hours in two parcels, the second promised for later that day
        (TENTH, "bike", "(unknown)", 1, 2, 1, 0, 0, 1, 1, 1, 1, 24.0, 12.0, 1, 1, 5.0),
        # S7 and S8 wait since 41 and 40.5 hours
        (ELEVENTH, *nobody, 2, 0, 0, 2, 0, 2, 0, 0, 0, None, None, 0, 0, None),
        # S9 was paid after the last parcel told of
        (THIRTEENTH, *nobody, 1, 0, 0, 1, 0, 0, 0, 0, 0, None, None, 0, 0, None),
    }  # fmt: skip


def test_after_sales_of_the_days_of_payment(golden_build: Path) -> None:
    """The marketplace's ladder has one rung: 100 of T9 the day after, of 770 that are as old."""
    rows = read(
        golden_build,
        "select business_date, gmv::double, refunded_amount::double, age_days, maturity_rate,"
        " expected_final_refund_rate, expected_lower_rate, expected_upper_rate,"
        " expected_net_sales::double, tickets, reviews, is_mature from marts.fct_after_sales_daily"
        " where platform = 'tmall' and date_basis = 'order_date' and dimension = 'all' order by 1",
    ).rows()
    # 100, 60, 250 and 360 are a day old or more; the 180 of the 13th is not
    rung = 100 / 770
    variance = (100 * 100 / 360 - rung * rung * 770) / 3
    error = sqrt(variance / 180 + variance / 770)
    assert [row[:4] for row in rows] == [
        (date(2025, 11, 9), 100.0, 40.0, 369),  # R3, beyond the ladder, is in what went back
        (date(2025, 11, 12), 60.0, 0.0, 366),
        (NINTH, 250.0, 0.0, 4),
        (ELEVENTH, 360.0, 100.0, 2),
        (TWELFTH, 0.0, 0.0, 1),
        (THIRTEENTH, 180.0, 0.0, 0),
    ]
    assert [row[4] for row in rows] == [1.0, 1.0, 1.0, 1.0, 1.0, 0.0]
    for row, rate in zip(rows[:4], (0.4, 0.0, 0.0, 100 / 360), strict=True):
        assert row[5:8] == pytest.approx((rate, rate, rate))
    assert rows[5][5:8] == pytest.approx((rung, 0.0, rung + 1.645 * error))
    assert [row[8] for row in rows] == [60.0, 60.0, 250.0, 260.0, None, 156.62]
    # T3 and T4 of the 9th; no ticket and review is told of before the 10th and the 12th
    assert [row[9] for row in rows] == [None, None, 1, 0, 0, None]
    assert [row[10] for row in rows] == [None, None, 2, None, 0, 0]
    assert [row[11] for row in rows] == [True, True, False, False, False, False]


def test_after_sales_of_their_own_days(golden_build: Path) -> None:
    rows = read(
        golden_build,
        "select platform, business_date, refunded_amount::double, refunded_orders, tickets,"
        " first_response_hours, resolution_hours, mean_csat, reviews, mean_rating, bad_review_rate"
        " from marts.fct_after_sales_daily where date_basis = 'event_date' and dimension = 'all'"
        " and business_date >= date '2026-11-10' and platform <> 'pos'",
    )
    none = (None, None, None)
    assert set(rows.rows()) == {
        ("tmall", TENTH, 0.0, 0, 1, 0.5, 2.5, 4.0, *none),
        ("tmall", ELEVENTH, 0.0, 0, 0, *none, *none),
        # K3 names no order
        ("tmall", TWELFTH, 100.0, 1, 1, 1.0, None, 2.0, 1, 5.0, 0.0),
        ("tmall", THIRTEENTH, 40.0, 1, None, *none, 1, 2.0, 1.0),
        ("shopify", TENTH, 0.0, 0, 1, *none, *none),
        ("shopify", ELEVENTH, 0.0, 0, None, *none, *none),
        ("shopify", TWELFTH, 0.0, 0, None, *none, 1, 1.0, 1.0),
        ("shopify", THIRTEENTH, 30.0, 1, None, *none, *none),
    }  # fmt: skip


def test_after_sales_by_category_and_reason(golden_build: Path) -> None:
    """T3 and T4 are hats and shoes, K1 and the refunds name no product, and no refund a reason."""
    rows = read(
        golden_build,
        "select dimension, segment, orders, gmv::double, refunded_amount::double, tickets, reviews"
        " from marts.fct_after_sales_daily where platform = 'tmall'"
        " and (date_basis = 'order_date' and business_date = date '2026-11-09'"
        " or date_basis = 'event_date' and business_date = date '2026-11-12')"
        " and dimension <> 'all'",
    )
    assert sorted(rows.rows()) == [
        ("category", "(unknown)", 0, 0.0, 0.0, 1, 0),
        # T11, a gift of no category; R1 (100.00 of T9) and K3
        ("category", "(unknown)", 1, 0.0, 100.0, 1, 0),
        # V1 is told on the 12th
        ("category", "hats", 0, 0.0, 0.0, 0, 1),
        # T3 with V1, and T4; T4 with V3, and T5
        ("category", "hats", 2, 180.0, 0.0, 0, 1),
        ("category", "shoes", 2, 70.0, 0.0, 0, 1),
        ("reason", "(unknown)", None, None, 100.0, None, None),
    ]


def test_live_sessions(golden_build: Path) -> None:
    """The purchase of S8 names L1, so of L2 it is known that nothing came of it."""
    rows = read(
        golden_build,
        "select live_room_id, business_date, orders, gmv::double, net_sales::double, gpm,"
        " gmv_per_viewer, click_rate, commission_amount from marts.fct_live_sessions",
    )
    assert set(rows.rows()) == {
        ("L1", ELEVENTH, 1, 90.0, 90.0, 300.0, 0.3, 0.2, None),
        ("L2", TWELFTH, 0, 0.0, 0.0, None, None, None, None),
    }


def test_arms_of_experiments(golden_build: Path) -> None:
    """v9 bought S1 five minutes later; of a year later a week has not passed yet."""
    rows = read(
        golden_build,
        "select experiment, variant, business_date, exposed, is_mature, converted,"
        " revenue::double, revenue_sq, pre_period_revenue::double, pre_period_revenue_sq"
        " from marts.fct_experiment_arms_daily",
    )
    assert set(rows.rows()) == {
        ("e1", "a", date(2025, 11, 9), 1, True, 1, 50.0, 2500.0, 0.0, 0.0),
        ("e1", "b", date(2025, 11, 9), 1, True, 0, 0.0, 0.0, 0.0, 0.0),
        # v1 had bought S2 before
        ("e2", "a", ELEVENTH, 1, False, None, None, None, 100.0, 10000.0),
        # v4 saw both
        ("e2", "(several)", TENTH, 1, False, None, None, None, 0.0, 0.0),
    }


def test_signs_of_risk(golden_build: Path) -> None:
    """E, B and K have things sent to one house; on the 11th they are three."""
    rows = read(
        golden_build,
        "select order_id, rule, score, evidence from marts.fct_risk_signals where status = 'risk'",
    )
    told = "accounts=3; days=90"
    assert [row[:2] for row in sorted(rows.rows())] == [
        ("S7", "shared_address"),
        ("S8", "shared_address"),
    ]
    assert {row[3] for row in rows.rows()} == {told}
    assert rows["score"].to_list() == pytest.approx([2 / 3, 2 / 3])
    # who has no address told is not said to be without risk; who has no account neither
    blind = read(
        golden_build,
        "select order_id, count(*) from marts.fct_risk_signals where status = 'not_evaluable'"
        " and order_id in ('S3', 'S4', 'S2', 'T3') group by 1",
    )
    assert set(blind.rows()) == {("S3", 2), ("T3", 2), ("S4", 4)}
