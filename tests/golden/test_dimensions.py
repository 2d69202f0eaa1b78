"""Customers, products and channels of the golden shop, by hand from README.md."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from tests.support.raw import read


def test_customers(golden_build: Path) -> None:
    """The data end on 2026-11-13; A's 100 of the year before was refunded by 40."""
    rows = read(
        golden_build,
        "select customer_key, first_order_date, last_order_date, orders, net_sales::double,"
        " recency_days, platforms, first_channel, preferred_channel, rfm_segment is not null"
        " from marts.dim_customer where customer_key in ('A', 'C', 'E', 'J')",
    )
    first, last, eleventh = date(2025, 11, 9), date(2026, 11, 13), date(2026, 11, 11)
    unknown = ("(untracked)", "(untracked)")
    assert set(rows.rows()) == {
        ("A", first, last, 4, 440.0, 0, "tmall", *unknown, True),
        # a year and a day ago: in no segment
        ("C", *[date(2025, 11, 12)] * 2, 1, 60.0, 366, "tmall", *unknown, False),
        # mail, direct, mail
        ("E", date(2026, 11, 9), eleventh, 3, 240.0, 2, "shopify", "email", "email", True),
        # everything refunded
        ("J", eleventh, eleventh, 1, 0.0, 2, "tmall", *unknown, False),
    }


def test_scores_of_the_year(golden_build: Path) -> None:
    """Nine customers with net sales; A with 380 in four orders, less one of 2025-11-09, leads."""
    rows = read(
        golden_build,
        "select customer_key, r_score, f_score, m_score from marts.dim_customer"
        " where r_score is not null",
    )
    scores = {key: tuple(score) for key, *score in rows.rows()}
    # net sales A 380, D 250, E 240, F 320, B 50, G 60, K 150: ranks of 7 by sixths
    assert {key: m for key, (_, _, m) in scores.items()} == {
        "B": 1, "G": 1, "K": 2, "E": 3, "D": 4, "F": 5, "A": 5,
    }  # fmt: skip
    # orders B 1, G 1; K 2; A, D, E 3; F 4
    assert {key: f for key, (_, f, _) in scores.items()} == {
        "B": 1, "G": 1, "K": 2, "A": 3, "D": 3, "E": 3, "F": 5,
    }  # fmt: skip
    # last order B on the 10th; E, G on the 11th; A, D, F, K on the 13th
    assert {key: r for key, (r, _, _) in scores.items()} == {
        "B": 1, "E": 1, "G": 1, "A": 3, "D": 3, "F": 3, "K": 3,
    }  # fmt: skip


def test_products_of_the_marketplace(golden_build: Path) -> None:
    """T4's lines are 80 and 40, T7 two of P1; the gift of T11 is an order without a piece."""
    rows = read(
        golden_build,
        "select product_id, orders, units, gmv::double from marts.dim_product"
        " where source = 'tmall'",
    )
    assert set(rows.rows()) == {
        # T1 100, T3 100, T4 80, T7 200, T9 100, T12 100
        ("P1", 6, 7, 680.0),
        # T4 40, T13a 50
        ("P2", 2, 2, 90.0),
        # T2 60, T5 30, T6 60, T13b 30
        ("P3", 4, 6, 180.0),
        ("GIFT-1", 1, 0, 0.0),
    }


def test_channels_of_9_november(golden_build: Path) -> None:
    """S2 by mail, S3 direct but after a mail, S4 untracked; two overlapping sources beside.

    No events track tmall: what its channels would be credited with is not known.
    """
    rows = read(
        golden_build,
        "select platform, channel, is_additive, visitors, orders, gmv::double, attributed_gmv,"
        " roas from marts.fct_channel_daily where business_date = date '2026-11-09'",
    )
    assert set(rows.rows()) == {
        ("shopify", "email", True, 1, 1, 100.0, 150.0, None),
        ("shopify", "direct", True, 1, 1, 50.0, 0.0, None),
        ("shopify", "organic_search", True, 1, 0, 0.0, 0.0, None),
        ("shopify", "(untracked)", True, 0, 1, 30.0, 0.0, None),
        ("shopify", "(unattributed)", True, 0, 0, 0.0, 30.0, None),
        ("tmall", "(untracked)", True, 50, 3, 250.0, None, None),
        ("tmall", "(unattributed)", True, None, 0, 0.0, 250.0, None),
        ("tmall", "手淘搜索", False, 35, None, None, None, None),
        ("tmall", "直通车", False, 28, None, None, None, None),
    }
