"""Demand whose rule is known, and figures worked out elsewhere."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from benchmarks.plan_score import FIRST, units
from models.demand import (
    DEMAND_SCHEMA,
    DemandParams,
    backtest,
    croston,
    demand_forecast,
    tsb,
)
from models.forecast import FORECAST_SCHEMA, Outlook

SPARSE = np.array([[0, 0, 3, 0, 0, 0, 5, 0, 2, 0, 0, 4.0]])


def test_croston_is_that_of_the_books() -> None:
    assert croston(SPARSE, 0.1)[0, -1] == pytest.approx(1.060514878, abs=1e-9)
    assert croston(SPARSE, 0.1)[0, -1] * 0.95 == pytest.approx(1.007489134, abs=1e-9)


def test_a_day_that_is_not_known_changes_no_rate() -> None:
    holed = np.insert(SPARSE, 5, np.nan, axis=1)
    assert croston(holed, 0.1)[0, -1] == croston(SPARSE, 0.1)[0, -1]
    assert tsb(holed, 0.1)[0, -1] == tsb(SPARSE, 0.1)[0, -1]


def test_the_chance_fades_while_nothing_is_asked_for() -> None:
    found = tsb(np.array([[0, 4.0, 0, 0, 2.0]]), 0.5)[0]
    # first demand of 4 after 2 days: 4 x 1/2; the chance halves twice to 1/8; then half way to 1
    # and the size half way to 2
    assert found[1:].tolist() == pytest.approx([2.0, 1.0, 0.5, 3 * 0.5625])


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ([3, 4, 3, 5], "smooth"),
        ([1, 1, 30, 1, 1], "erratic"),
        ([0, 0, 3, 0, 0, 0, 5, 0, 2, 0, 0, 4], "intermittent"),  # 3.0 days, .102041
        ([0, 0, 1, 0, 0, 1, 0, 20], "lumpy"),
        ([0], "new"),
    ],
)
def test_classes_of_demand(pattern: list[float], wanted: str) -> None:
    series = np.tile(np.array(pattern, dtype=float), 100)[:300][None]
    assert set(demand_forecast(units(series), None)["demand_class"]) == {wanted}


def test_where_nothing_beats_the_naive_forecast_it_is_taken() -> None:
    # a level that jumps each fortnight and never tells before: only last week is of this level
    levels = np.random.default_rng(3).integers(1, 60, (4, 40)).repeat(14, axis=1).astype(float)
    found = demand_forecast(units(levels), None, DemandParams(horizons=(7,)))
    assert set(found["method"]) == {"seasonal_naive"}
    assert (found["wape"] == found["naive_wape"]).all()
    assert found["expected_units"].to_list() == (levels[:, -1] * 7).tolist()


def test_what_is_noise_is_not_forecast_by_last_week() -> None:
    sold = np.random.default_rng(4).poisson(0.4, (40, 400)).astype(float)
    found = demand_forecast(units(sold), None).filter(horizon_days=28)
    assert set(found["method"]) <= {"moving_average", "sba", "tsb"}
    assert (found["wape"] < 0.8 * found["naive_wape"]).all()
    of_ways = backtest(units(sold), None).filter(horizon_days=28).group_by("way").agg(
        wape=pl.col("missed").sum() / pl.col("came").sum()
    )  # fmt: skip
    assert of_ways["wape"].min() == pytest.approx(found["wape"][0])
    # of 28 days: absolute errors of a Poisson of 11.2 alone are a quarter of it
    assert found["wape"][0] == pytest.approx(0.26, abs=0.06)


def test_a_promotion_to_come_is_in_the_demand_of_its_products() -> None:
    days, horizon = 400, 28
    random = np.random.default_rng(5)
    sold = 1000 * (1 + 2 * (np.arange(days + horizon) % 100 < 10.0))  # threefold, ten days
    ends = [*range(days - horizon - 7 * 25, days - horizon + 1, 7), days]
    ahead = np.array([sold[end : end + horizon] for end in ends])[None]
    known = Outlook(["a"], [FIRST + timedelta(days=n) for n in range(days)], ends,
                    sold[None, :days].astype(float), ahead.astype(float),
                    pl.DataFrame(schema=FORECAST_SCHEMA))  # fmt: skip
    share = np.array([0.02, 0.04, 0.08])
    made = random.poisson(share[:, None] * sold).astype(float)
    found = demand_forecast(units(made[:, :days]), known).filter(horizon_days=horizon)
    assert found.schema == pl.Schema(DEMAND_SCHEMA)
    assert set(found["method"]) == {"calendar"}
    wanted = share * sold[days:].sum()
    assert found["expected_units"].to_numpy() == pytest.approx(wanted, rel=0.1)
    flat = demand_forecast(units(made[:, :days]), None).filter(horizon_days=horizon)
    assert (flat["expected_units"].to_numpy() < 0.8 * wanted).all()


def test_nine_in_ten_of_what_comes_lies_in_the_range() -> None:
    random = np.random.default_rng(6)
    rate = random.lognormal(0.5, 0.8, (500, 1))
    sold = random.negative_binomial(2, 2 / (2 + rate), (500, 460)).astype(float)
    found = demand_forecast(units(sold[:, :400]), None)
    for horizon in (7, 28):
        part = found.filter(horizon_days=horizon).sort("series")
        came = sold[:, 400 : 400 + horizon].sum(axis=1)
        held = (part["lower_units"].to_numpy() <= came) & (came <= part["upper_units"].to_numpy())
        assert 0.87 <= held.mean() <= 0.96


def test_days_without_stock_are_no_days_without_demand() -> None:
    sold = np.full((3, 300), 5.0)
    empty = sold.copy()
    empty[:, 280:290] = np.nan
    found, whole = (demand_forecast(units(one), None) for one in (empty, sold))
    assert found["expected_units"].to_list() == whole["expected_units"].to_list()


def test_a_young_product_has_a_forecast_and_no_range() -> None:
    found = demand_forecast(units(np.full((1, 20), 2.0)), None).filter(horizon_days=28)
    assert found.select("expected_units", "lower_units", "wape", "origins").rows() == [
        (56.0, None, None, 0)
    ]
    assert demand_forecast(units(np.empty((0, 0))), None).schema == pl.Schema(DEMAND_SCHEMA)
