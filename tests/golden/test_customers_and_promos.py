"""Segments, lives, cohorts, hours, promotions and campaigns of the golden shop, from README.md."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl

from tests.golden import shop
from tests.support.raw import read

NOVEMBER = date(2026, 11, 1)


def test_segments_of_the_last_november(golden_build: Path) -> None:
    """Seven are scored; C bought over a year ago, J gave all back, L bought for nothing.

    Their orders of the month: A T3, T7, T13 (380), B S6 (50), D T4, T5, T12 (250), E S2, S3, S8
    (240), F O1, O3, O5, O6 (320), G T6 (60), K S7, S9 (180); J T9 (100) and L T11 (0) are in no
    segment, S4, O2 and O4 (130) of nobody known.
    """
    rows = read(
        golden_build,
        "select sum(customers), sum(buyers), sum(orders), sum(gmv)::double,"
        " sum(year_net_amount)::double from marts.fct_segments_monthly"
        f" where month_start = date '{NOVEMBER}' group by rfm_segment in ('(none)'), rfm_segment"
        " = '(unidentified)' order by 3",
    )
    assert rows.rows() == [
        (2, 2, 2, 100.0, None),
        (None, None, 3, 130.0, None),
        # the year has no order more than the month; K gave 30 back
        (7, 7, 17, 1480.0, 1450.0),
    ]


def test_a_year_later_nobody_is_where_they_were(golden_build: Path) -> None:
    """A, B and C of November 2025 are scored until October; in November A and B are anew.

    C is gone; the others are new. A and B stand in a segment at both ends.
    """
    rows = read(
        golden_build,
        "select sum(customers) filter (where from_segment = '(none)'),"
        " sum(customers) filter (where to_segment = '(none)'),"
        " sum(customers) filter (where '(none)' not in (from_segment, to_segment))"
        f" from marts.fct_segment_migration_monthly where month_start = date '{NOVEMBER}'",
    )
    assert rows.rows() == [(5, 1, 2)]


def test_the_lives_of_the_customers(golden_build: Path) -> None:
    """Gaps between days of purchase: A 365, 2, 2; B 366; D 4; E 2; F 2, 1; K 2.

    Nine gaps of ten are up to 366, which is capped at 365; so B is back too late, on the day after
    the window, when B is churned as well.
    """
    rows = read(
        golden_build,
        "select stage, member_count, window_days from marts.fct_lifecycle_daily"
        " where kind = 'purchase' and business_date = date '2026-11-10'",
    )
    # known before: A, B, C, D, E; F is new
    assert set(rows.rows()) == {
        ("new", 1, 365), ("resurrected", 1, 365), ("churned", 1, 365), ("retained", 4, 365),
    }  # fmt: skip
    stages = read(
        golden_build,
        "select customer_key, lifecycle_stage from marts.dim_customer"
        " where customer_key in ('A', 'C', 'G')",
    )
    assert set(stages.rows()) == {("A", "retained"), ("C", "lost"), ("G", "new")}


def test_the_hours_of_9_november(golden_build: Path) -> None:
    """v1 came at 9:50, v2 at 10:50; S2 was paid at 10:00, S3 at 11:00, S4 and v3 at twelve."""
    rows = read(
        golden_build,
        "select hour_start, channel, visitors, orders, gmv::double from marts.fct_gmv_hourly"
        " where platform = 'shopify' and business_date = date '2026-11-09'",
    )
    hour = {local: datetime(2026, 11, 9, local - 8) for local in (9, 10, 11, 12)}
    assert set(rows.rows()) == {
        (hour[9], "email", 1, 0, 0.0),
        (hour[10], "email", 0, 1, 100.0),
        (hour[10], "direct", 1, 0, 0.0),
        (hour[11], "direct", 0, 1, 50.0),
        (hour[12], "(untracked)", 0, 1, 30.0),
        (hour[12], "organic_search", 1, 0, 0.0),
    }


def test_the_peak_hour_by_hour_beside_last_year(golden_build: Path) -> None:
    """The peak begins at midnight of the 9th: T3 and T4 at 9 (220), T5 at 10 (30); T1 at 10."""
    rows = read(
        golden_build,
        "select hours_since_start, gmv::double, cumulative_gmv::double, previous_promo_year,"
        " previous_cumulative_gmv::double from marts.fct_promo_hourly where platform = 'tmall'"
        " and promo = 'double_11' and promo_year = 2026 and phase = 'peak'"
        " and hours_since_start < 24 order by 1",
    )
    # the data of 2025 begin at ten on the first day, in the middle of the phase
    assert rows.rows() == [(9, 220.0, 220.0, 2025, None), (10, 30.0, 250.0, 2025, None)]


def test_sales_after_no_visit_are_of_no_campaign(golden_build: Path) -> None:
    rows = read(
        golden_build,
        "select campaign, channel, cost, visitors, orders, attributed_gmv"
        " from marts.fct_campaign_daily where business_date = date '2026-11-09'"
        " and platform = 'shopify'",
    )
    assert set(rows.rows()) == {
        ("(none)", "email", None, 1, 2, 150.0),
        ("(none)", "direct", None, 1, 0, 0.0),
        ("(none)", "organic_search", None, 1, 0, 0.0),
        ("(none)", "(unattributed)", None, 0, 1, 30.0),
    }


def reviewed(platform: str, first: date, last: date) -> dict[str, object]:
    """What a review of these days holds, counted from the deliveries in another way than SQL."""
    paid = shop.orders().filter(
        pl.col("platform") == platform,
        pl.col("paid_at").is_not_null(),
        pl.col("status") != "deposit_paid",
    )
    lines = shop.order_items().filter(pl.col("is_goods") & ~pl.col("is_gift"))
    worth = (
        lines.with_columns(
            goods=pl.col("quantity") * pl.col("unit_price")
            - pl.col("discount_amount").fill_null(Decimal(0))
        )
        .group_by("order_id")
        .agg(pl.col("goods").sum())
    )
    days = (
        paid.join(worth, on="order_id", how="left")
        .with_columns(
            gmv=pl.coalesce("order_amount", "goods", pl.lit(Decimal(0))),
            main=pl.coalesce("parent_order_id", "order_id"),
            day=(pl.col("paid_at") + timedelta(hours=8)).dt.date(),
        )
        .sort("paid_at")
    )
    first_days = days.group_by("customer_key").agg(pl.col("day").min().alias("first"))
    within = days.filter(pl.col("day").is_between(first, last)).join(first_days, on="customer_key")
    every = days.filter(pl.col("day").is_between(first, last))
    return {
        "gmv": every["gmv"].sum(),
        "orders": every["main"].n_unique(),
        "buyers": every["customer_key"].drop_nulls().n_unique(),
        "new_buyers": within.filter(pl.col("first") >= first)["customer_key"].n_unique(),
    }


def test_the_review_counts_what_polars_counts(golden_build: Path) -> None:
    found = read(
        golden_build,
        "select platform, first_date, last_date, gmv, orders, buyers, new_buyers, cost,"
        " new_buyer_d30_repurchase, baseline_naive_gmv from marts.fct_promo_review"
        " where promo = 'double_11' and promo_year = 2026",
    )
    assert set(found["platform"]) == {"tmall", "shopify"}
    for row in found.iter_rows(named=True):
        wanted = reviewed(row["platform"], row["first_date"], row["last_date"])
        assert {name: row[name] for name in wanted} == wanted
        # no spend is told, the last new buyer has had two days, and before it nothing was sold
        assert row["cost"] is None and row["new_buyer_d30_repurchase"] is None
        assert row["baseline_naive_gmv"] == Decimal(0)
