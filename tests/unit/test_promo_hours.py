"""Hours of promotions against their part of such days: by hand, planted, and quiet."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from models.promo_hours import HourParams, hour_rows

DAYS = [date(2026, 6, 1) + timedelta(n) for n in range(18)]
CURVE = np.array([2, 1, 1, 1, 1, 1, 2, 3, 4, 5, 6, 6, 5, 5, 5, 5, 5, 6, 7, 8, 9, 8, 6, 4]) / 106
PROMOS = pl.DataFrame(
    [{"promo": "618", "platform": "site", "phase": "peak", "kind": "sale",
      "start_date": DAYS[0], "end_date": DAYS[-1]}]
)  # fmt: skip
WHOLE = pl.DataFrame(
    schema={"business_date": pl.Date, "platform": pl.String, "feed": pl.String,
            "is_complete": pl.Boolean, "reason": pl.String}
)  # fmt: skip


def hours(orders: Any) -> pl.DataFrame:
    """Days x 24 orders of 50 each; an hour without one has no row."""
    return pl.concat(
        pl.DataFrame({"hour": range(24), "orders": np.asarray(day, float)}).with_columns(
            business_date=pl.lit(DAYS[n]), platform=pl.lit("site"), gmv=50.0 * pl.col("orders")
        ) for n, day in enumerate(orders)
    ).filter(pl.col("orders") > 0)  # fmt: skip


def judged(orders: Any, **more: Any) -> pl.DataFrame:
    tables = {"promos": PROMOS, "completeness": WHOLE, "company_gmv": 10_000.0} | more
    return hour_rows(hours(orders), **tables)


def told(result: pl.DataFrame) -> set[tuple[date, str]]:
    return set(result.filter(status="anomaly").select("business_date", "segment").rows())


def test_two_hours_without_an_order_are_told_by_their_clock() -> None:
    rng = np.random.default_rng(1)
    orders = rng.poisson(2000 * CURVE * rng.uniform(0.5, 2, (18, 1)))
    assert not told(judged(orders))
    orders[12, 20:22] = [0, 1]
    found = told(judged(orders))
    assert {(DAYS[12], "20:00-21:00"), (DAYS[12], "21:00-22:00")} <= found
    assert {day for day, _ in found} == {DAYS[12]}
    # What the day as a whole sold is out of the comparison, also where it was little.
    orders[15] = rng.poisson(300 * CURVE)
    assert {day for day, _ in told(judged(orders))} == {DAYS[12]}


def test_the_figures_of_an_hour_by_hand() -> None:
    orders = np.tile(np.full(24, 10.0), (18, 1))
    orders[17, 8] = 2.0
    params = HourParams(prior_orders=0.0, drift=0.1, p_value=1e-3)
    result = judged(orders, params=params, company_gmv=1000.0)
    row = result.filter(metric="orders_1_hour", business_date=DAYS[17], segment="08:00-09:00")
    one = row.row(0, named=True)
    # Of 17 days 10 of 240 in that hour: of the 230 other orders 1 / 24 / (23 / 24) of them.
    assert (one["observed"], one["expected"]) == (2.0, pytest.approx(10.0))
    size = 1 / (1 / (170 + 0.5) + 1 / 230 + 0.1**2)
    law = stats.nbinom(size, size / (size + 10.0))
    assert one["score"] == pytest.approx(stats.norm.ppf(law.cdf(2)))
    assert law.cdf(one["lower"] - 1) <= 1e-3 < law.cdf(one["lower"])
    assert one["impact_amount"] == pytest.approx(-8 * 50.0)
    assert (one["dimension"], one["upper"]) == ("hour", None)


def test_hours_to_come_gaps_and_days_outside_promotions_are_not_judged() -> None:
    rng = np.random.default_rng(2)
    orders = rng.poisson(2000 * CURVE, (18, 24))
    orders[17, 15:] = 0  # the day so far
    result = judged(orders)
    assert not told(result)
    of_last = result.filter(metric="orders_1_hour", business_date=DAYS[17])
    assert of_last["segment"].max() == "14:00-15:00"
    orders[10, 18:] = 0
    assert {day for day, _ in told(judged(orders))} == {DAYS[10]}
    gap = pl.DataFrame(
        [{"business_date": DAYS[10], "platform": "site", "feed": "orders", "is_complete": False,
          "reason": "stops_early"}], schema=WHOLE.schema
    )  # fmt: skip
    assert not told(judged(orders, completeness=gap))
    short = PROMOS.with_columns(end_date=pl.lit(DAYS[9]))
    assert judged(orders, promos=short)["business_date"].max() == DAYS[9]
    assert judged(orders, promos=PROMOS.clear()).is_empty()


def test_quiet_hours_of_small_shops_are_never_told() -> None:
    rng = np.random.default_rng(3)
    for level in (15, 60, 400):
        for _ in range(5):
            orders = rng.poisson(level * CURVE * rng.uniform(0.6, 1.6, (18, 1)))
            assert not told(judged(orders, company_gmv=level * 50.0))
