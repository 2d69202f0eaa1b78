"""The smallest fall that is told, against the Poisson law and by hand."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy import stats

from models.anomaly import ANOMALY_SCHEMA
from models.power import visible_falls

LAST = date(2026, 5, 31)


def series(metric: str, expected: float, lower: float, **more: str) -> list[dict[str, object]]:
    place = {"dimension": "platform", "segment": "site", "platform": "site"} | more
    return [
        dict.fromkeys(ANOMALY_SCHEMA) | place
        | {"business_date": LAST - timedelta(n), "metric": metric, "expected": expected,
           "lower": lower, "status": "normal"}
        for n in range(10)
    ]  # fmt: skip


def fall(rows: list[dict[str, object]], metric: str) -> float | None:
    found = visible_falls(pl.DataFrame(rows, schema=ANOMALY_SCHEMA)).filter(metric=metric)
    return found["smallest_fall"].to_list()[0]


def test_of_many_orders_the_scatter_decides() -> None:
    rows = series("gmv", 1e6, 7e5) + series("aov", 100.0, 90.0)
    assert fall(rows, "gmv") == pytest.approx(0.3)
    assert fall(rows, "aov") == pytest.approx(0.1)


def test_of_few_orders_their_chance_decides() -> None:
    # 30 orders scatter like 20 equal ones; the score is -3.5 where P(X <= k | 20) is.
    seen = fall(series("gmv", 3000.0, 2400.0) + series("aov", 100.0, 60.0), "gmv")
    assert seen is not None
    count = 20 * (1 - seen)
    below, above = stats.poisson.cdf([np.floor(count), np.ceil(count)], 20)
    assert below <= stats.norm.cdf(-3.5) <= above


def test_of_too_few_nothing_is_seen() -> None:
    assert fall(series("gmv", 500.0, 100.0) + series("aov", 100.0, 60.0), "gmv") is None


def test_rises_and_sales_whose_orders_are_not_known_have_no_size() -> None:
    rows = series("gmv", 900.0, 90.0, dimension="product", segment="P1")
    rows += series("refund_rate", 0.05, 0.01) + series("orders_7_days", 30.0, 12.0)
    rows += series("gmv_trend", 900.0, 850.0)  # how large says nothing without how long
    found = visible_falls(pl.DataFrame(rows, schema=ANOMALY_SCHEMA))
    assert found.select("metric", "days", "smallest_fall").rows() == [
        ("orders_7_days", 7, pytest.approx(1 - 11 / 30))  # 11 are told, 12 are not
    ]
    blind = pl.DataFrame(series("orders_7_days", 6.0, 0.0), schema=ANOMALY_SCHEMA)
    assert visible_falls(blind)["smallest_fall"].to_list() == [None]
