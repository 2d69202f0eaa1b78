"""Experiments against published figures (METRICS 10), scipy, and experiments of nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from scipy import stats

from models.experiments import RESULT_SCHEMA, experiment_results
from models.significance import (
    Sample,
    always_valid,
    holm,
    newcombe,
    sample_ratio,
    two_proportions,
    welch,
)

X = [27.5, 21, 19, 23.6, 17, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19, 21.7, 21.4]
Y = [27.1, 22, 20.8, 23.4, 23.4, 23.5, 25.8, 22, 24.8, 20.2, 21.9, 22.1, 22.9, 24, 25.2]


def one(*values: float) -> list[NDArray[np.float64]]:
    return [np.array([value]) for value in values]


def test_proportions() -> None:
    a, n, b, m = one(250, 10_000, 200, 10_000)
    assert two_proportions(a, n, b, m)[0] == pytest.approx(0.0171258289, abs=1e-10)
    lower, upper = newcombe(a, n, b, m)
    assert (lower[0], upper[0]) == pytest.approx((0.00088705, 0.00913827), abs=5e-9)


def test_welch() -> None:
    x, y = np.array(X), np.array(Y)
    one, other = (Sample(*(np.array([part]) for part in (values.mean(), values.var(ddof=1), 15.0)))
                  for values in (x, y))  # fmt: skip
    t, freedom, p, lower, upper = (float(value[0]) for value in welch(one, other))
    assert (t, freedom, p) == pytest.approx((-2.8103536963, 24.5234951403, 0.0095772869), abs=1e-10)
    told = stats.ttest_ind(x, y, equal_var=False).confidence_interval(0.95)
    assert (lower, upper) == pytest.approx((told.low, told.high))


def test_sample_ratio_and_a_test_that_may_be_looked_at() -> None:
    assert sample_ratio(np.array([10_000.0, 10_300]), np.ones(2)) == pytest.approx(
        0.0352402, abs=5e-8
    )
    ratio, p = always_valid(*one(0.005, 4.3975e-6, 2.5e-5))
    assert (ratio[0], p[0]) == pytest.approx((4.337860, 0.230528), abs=5e-7)


def test_holm_by_hand() -> None:
    # least first: .01 x 3, .02 x 2, .03 x 1 but no less than the one before
    found = holm(np.array([0.02, np.nan, 0.03, 0.01]))
    assert found.tolist() == pytest.approx([0.04, np.nan, 0.04, 0.03], nan_ok=True)


def shop(random: np.random.Generator, variants: dict[str, tuple[int, float]]) -> pl.DataFrame:
    """Visitors by variant, their chance to buy, and what each did: sums as the mart has them."""
    rows: list[dict[str, Any]] = []
    for variant, (count, rate) in variants.items():
        taste = random.gamma(2, 0.5, count)  # who bought more before buys more after
        before = random.poisson(0.3 * taste) * random.gamma(2, 50, count)
        orders = random.binomial(1, np.minimum(rate * taste, 1)) * random.geometric(0.8, count)
        revenue = orders * random.gamma(2, 50, count) * taste
        rows.append({
            "platform": "site", "experiment": "e", "variant": variant, "exposed": count,
            "converted": int((orders > 0).sum()),
            "orders": orders.sum(), "orders_sq": (orders**2).sum(),
            "revenue": revenue.sum(), "revenue_sq": (revenue**2).sum(),
            "revenue_orders": (revenue * orders).sum(),
            "pre_period_revenue": before.sum(), "pre_period_revenue_sq": (before**2).sum(),
            "revenue_pre_period_revenue": (revenue * before).sum(),
            "visitors": {"orders": orders, "revenue": revenue, "before": before},
        })  # fmt: skip
    return pl.DataFrame(rows)


def test_sums_say_what_the_visitors_say() -> None:
    arms = shop(np.random.default_rng(5), {"control": (4000, 0.1), "b": (4100, 0.15)})
    other, own = (arms.filter(variant=name)["visitors"][0] for name in ("b", "control"))
    found = {row["metric"]: row for row in experiment_results(arms.drop("visitors")).to_dicts()}
    assert all(row["status"] == "tested" and row["control"] == "control" for row in found.values())
    a, b = (np.array(arm["revenue"]) for arm in (other, own))
    plain = stats.ttest_ind(a, b, equal_var=False)
    row = found["revenue_per_visitor"]
    assert row["p_value"] == pytest.approx(plain.pvalue)
    assert (row["lower"], row["upper"]) == pytest.approx(tuple(plain.confidence_interval(0.95)))
    # CUPED: the slope within the variants, by least squares on centred visitors
    before = [np.array(arm["before"]) for arm in (other, own)]
    centred = np.concatenate([values - values.mean() for values in before])
    slope = np.linalg.lstsq(
        centred[:, None], np.concatenate([a - a.mean(), b - b.mean()]), rcond=None
    )[0][0]
    adjusted = stats.ttest_ind(a - slope * before[0], b - slope * before[1], equal_var=False)
    row = found["revenue_per_visitor_adjusted"]
    assert row["p_value"] == pytest.approx(adjusted.pvalue)
    assert row["difference"] == pytest.approx(
        (a - slope * before[0]).mean() - (b - slope * before[1]).mean()
    )
    assert row["upper"] - row["lower"] < (
        found["revenue_per_visitor"]["upper"] - found["revenue_per_visitor"]["lower"]
    )
    assert found["aov"]["value"] == pytest.approx(a.sum() / sum(other["orders"]))
    raised = holm(np.array([found[metric]["p_value"] for metric in found]))
    assert [found[metric]["adjusted_p_value"] for metric in found] == pytest.approx(list(raised))


def test_the_spread_of_a_ratio_is_that_of_many_shops() -> None:
    random = np.random.default_rng(7)
    found = pl.concat(
        experiment_results(
            shop(random, {"control": (2000, 0.1), "b": (2000, 0.1)}).drop("visitors")
        ).filter(metric="aov")
        for _ in range(150)
    )
    half = ((found["upper"] - found["lower"]) / 2).to_numpy().mean()
    spread = found["difference"].to_numpy().std()  # of 150: within an eighth, 49 in 50 times
    assert half / 1.959964 == pytest.approx(spread, rel=0.15)


def test_an_experiment_of_nothing_is_found_once_in_twenty() -> None:
    random = np.random.default_rng(11)
    bought, bought0 = (random.binomial(5000, 0.03, 2000).astype(float) for _ in range(2))
    of = np.full(2000, 5000.0)
    assert np.mean(two_proportions(bought, of, bought0, of) < 0.05) == pytest.approx(0.05, abs=0.01)
    lower, upper = newcombe(bought, of, bought0, of)
    assert np.mean((lower <= 0) & (upper >= 0)) == pytest.approx(0.95, abs=0.01)
    x, y = random.gamma(0.2, 100, (2, 2000, 800))
    one, other = (
        Sample(values.mean(axis=1), values.var(axis=1, ddof=1), np.full(2000, 800.0))
        for values in (x, y)
    )
    p = welch(one, other).p_value
    assert np.mean(p < 0.05) == pytest.approx(0.05, abs=0.01)
    # Looked at after each of 40 days: the least p of all, not that of the last day.
    days = random.binomial(250, 0.1, (2, 2000, 40)).cumsum(axis=2)
    seen = np.arange(1, 41, dtype=np.float64) * 250
    rate, rate0 = days / seen
    variance = (rate * (1 - rate) + rate0 * (1 - rate0)) / seen
    valid = always_valid(rate - rate0, variance, np.full_like(rate, 0.01**2))[1].min(axis=1)
    assert np.mean(valid < 0.05) <= 0.05
    naive = two_proportions(days[0], seen, days[1], seen).min(axis=1)
    assert np.mean(naive < 0.05) > 0.2


def test_what_is_not_shown() -> None:
    random = np.random.default_rng(3)

    def status(**variants: tuple[int, float]) -> set[tuple[Any, ...]]:
        found = experiment_results(shop(random, variants).drop("visitors"))
        assert found.schema == pl.Schema(RESULT_SCHEMA)
        if found["status"][0] != "tested":
            assert found["p_value"].null_count() == found["value"].null_count() == found.height
        return set(found.select("variant", "control", "status").rows())

    assert status(control=(10_000, 0.1), b=(11_000, 0.1)) == {
        ("b", "control", "sample_ratio_mismatch")
    }
    assert status(control=(20, 0.1), b=(20, 0.1)) == {("b", "control", "too_few")}
    assert status(alone=(100, 0.1)) == {("alone", "alone", "no_control")}
    assert status(a=(500, 0.1), b=(500, 0.1)) == {("b", "a", "tested")}
    assert status(control=(500, 0), b=(500, 0)) == {("b", "control", "tested")}
    empty = shop(random, {"control": (1, 0)}).drop("visitors").clear()
    assert experiment_results(empty).schema == pl.Schema(RESULT_SCHEMA)
