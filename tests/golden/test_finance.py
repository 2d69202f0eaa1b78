"""Profit, targets and closed months of the golden shop, each figure by README.md."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.support.raw import read

NINTH, TENTH, ELEVENTH, THIRTEENTH = (date(2026, 11, day) for day in (9, 10, 11, 13))


def test_profit_of_the_site(golden_build: Path) -> None:
    """As README.md reckons it; in 2025 no cost was booked yet, and no payment fee is estimated."""
    rows = read(
        golden_build,
        "select business_date, category, gmv::double, refunded_amount::double,"
        " goods_cost_amount::double, cm1_amount::double, platform_fee_amount::double,"
        " payment_fee_amount::double, freight_amount::double, cm2_amount::double,"
        " advertising_amount::double, cm3_amount::double, estimated_amount::double"
        " from marts.fct_profit_daily where platform = 'shopify'",
    )
    none = None
    assert set(rows.rows()) == {
        (date(2025, 11, 9), "shoes", 50, 0, 20, 30, 1, none, none, none, 5, none, 26),
        (NINTH, "hats", 100, 0, 40, 60, 2, 2, 8, 48, 10, 38, 52),
        (NINTH, "shoes", 80, 0, 32, 48, 1.6, 1, 0, 45.4, 8, 37.4, 41.6),
        (TENTH, "shoes", 50, 0, 20, 30, 1, 0, 8, 21, 5, 16, 26),
        # the gift of S6
        (TENTH, "(unknown)", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        (ELEVENTH, "shoes", 170, 0, 68, 102, 3.4, 1.6, 6, 91, 17, 74, 88.4),
        # R2 gives back 30 of the 80 of S7, and so 12 of the 32 its goods cost
        (THIRTEENTH, "shoes", 0, 30, -12, -18, -0.6, 0, 0, -17.4, 0, -17.4, -12.6),
        (THIRTEENTH, "hats", 100, 0, 40, 60, 2, 2, 0, 56, 10, 46, 52),
    }


def test_where_nobody_tells_a_cost_no_margin_is_known(golden_build: Path) -> None:
    [row] = read(
        golden_build,
        "select sum(gmv)::double, count(cm1_amount), count(cm2_amount), count(cm3_amount),"
        " count(platform_fee_amount), sum(estimated_amount)::double from marts.fct_profit_daily"
        " where platform <> 'shopify'",
    ).rows()
    # 1920 less the site's 50 + 180 + 50 + 170 + 100
    assert row == (1370, 0, 0, 0, 0, 0)


def test_months_as_they_were_closed(golden_build: Path) -> None:
    """R3 comes a year after the close; over all, what is kept is the 1750 of the whole shop."""
    rows = read(
        golden_build,
        "select month_start, platform, is_closed, gmv::double, gmv_restatement_amount::double,"
        " cm1_amount::double, cm1_restatement_amount::double, cm2_amount::double,"
        " cm3_amount::double, closed_refunded_amount::double, closed_net_amount::double,"
        " adjustment_amount::double, adjusted_net_amount::double,"
        " taken_adjustment_amount::double from marts.fct_month_close",
    )
    then, now, none = date(2025, 11, 1), date(2026, 11, 1), None
    assert set(rows.rows()) == {
        (then, "tmall", True, 160, 0, none, none, none, none, 0, 160, -40, 120, 0),
        (then, "shopify", True, 45, 5, 27, 3, none, none, 0, 45, 0, 50, 0),
        (now, "tmall", False, 790, 0, none, none, none, none, 100, 690, 0, 690, -40),
        (now, "shopify", False, 500, 0, 282, 0, 244, 194, 30, 470, 0, 470, 0),
        (now, "pos", False, 420, 0, none, none, none, none, 0, 420, 0, 420, 0),
    }
    assert sum(row[-2] for row in rows.rows()) == 1750


def test_targets_of_november(golden_build: Path) -> None:
    """68 orders are planned, 10 of them for the 11th: 58 on 29 days are 2 a day."""
    rows = read(
        golden_build,
        "select business_date, segment, target, is_spread, actual, target_so_far, actual_so_far,"
        " attainment_rate, attainment_so_far_rate, month_attainment_rate"
        " from marts.fct_targets_daily where metric = 'orders' and dimension = 'all'"
        " and business_date in ('2026-11-09', '2026-11-11', '2026-11-13', '2026-11-30')",
    )
    wanted = {
        (NINTH, "all"): (2, True, 6, 18, 6, 6 / 2, 6 / 18, 6 / 68),
        (ELEVENTH, "all"): (10, False, 5, 30, 14, 5 / 10, 14 / 30, 14 / 68),
        (THIRTEENTH, "all"): (2, True, 6, 34, 22, 6 / 2, 22 / 34, 22 / 68),
        (date(2026, 11, 30), "all"): (2, True, None, 68, None, None, None, None),
    }
    found = {row[:2]: row[2:] for row in rows.iter_rows()}
    assert found.keys() == wanted.keys()
    for key, told in wanted.items():
        for mine, theirs in zip(found[key], told, strict=True):
            same = mine is None if theirs is None else mine == pytest.approx(theirs, rel=1e-9)
            assert same, (key, found[key], told)
    # tmall has no plan for a day, and the company none for each: all its days weigh the same
    days = read(
        golden_build,
        "select business_date, target, actual, month_target, actual_so_far, target_so_far"
        " from marts.fct_targets_daily"
        " where segment = 'tmall' and business_date in ('2026-11-09', '2026-11-11', '2026-11-13')",
    )
    assert set(days.rows()) == {
        (NINTH, 1, 3, 30, 3, 9), (ELEVENTH, 1, 3, 30, 6, 11), (THIRTEENTH, 1, 2, 30, 9, 13)
    }  # fmt: skip
