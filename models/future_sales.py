"""The range of what customers will still buy: futures drawn from the models of their purchases.

Belongs here: what is expected of each customer and of groups of them, with its range. Does not
belong here: the models themselves (`models.customer_value`), words.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.customer_value import REACH, PurchaseModel, SpendModel, fit_purchases, fit_spend

__all__ = ["GROUP_SCHEMA", "VALUE_SCHEMA", "FutureSales", "expected_value", "future_sales"]

Array = NDArray[np.float64]

VALUE_SCHEMA: dict[str, type[pl.DataType]] = {
    "alive_probability": pl.Float64,
    "expected_purchases": pl.Float64,
    "expected_purchase_value": pl.Float64,
    "expected_value": pl.Float64,
    "lower_value": pl.Float64,
    "upper_value": pl.Float64,
}
"""Columns that `expected_value` adds to a customer."""

GROUP_SCHEMA: dict[str, type[pl.DataType]] = {
    "group": pl.String,
    "customers": pl.Int64,
    "expected_value": pl.Float64,
    "lower_value": pl.Float64,
    "upper_value": pl.Float64,
}
"""Columns of `FutureSales.groups`."""

LEAST_AGAIN = 50  # customers who bought again, below which seven parameters are not told
_MOST_DRAWN = 20_000_000  # customers times futures
_CUSTOMERS_AT_ONCE = 50_000  # times the draws, 8 bytes each


@dataclass(frozen=True)
class FutureSales:
    """What customers are expected to buy within a horizon.

    Attributes:
        customers: the rows given, in their order, with `VALUE_SCHEMA`; lower and upper hold nine
            tenths of what may come of the single customer.
        groups: `GROUP_SCHEMA`: the same of the sums, whose range is not the sum of the ranges.
    """

    customers: pl.DataFrame
    groups: pl.DataFrame


def future_sales(customers: pl.DataFrame, horizon: float) -> FutureSales:
    """Fit both models to the customers and say what these will buy within the horizon.

    Args:
        customers: frequency, recency, age, monetary as in the fits, and group (text).
        horizon: from now, in the unit of age.

    Returns:
        Both tables are empty where fewer than `LEAST_AGAIN` bought again, or no model fits.
    """
    purchases = spend = None
    if (customers["frequency"] > 0).sum() >= LEAST_AGAIN:
        purchases, spend = fit_purchases(customers), fit_spend(customers)
    if purchases is None or spend is None:
        none = [pl.lit(None, kind).alias(name) for name, kind in VALUE_SCHEMA.items()]
        return FutureSales(customers.clear().with_columns(none), pl.DataFrame(schema=GROUP_SCHEMA))
    draws = max(40, min(200, _MOST_DRAWN // customers.height))
    return expected_value(customers, purchases, spend, horizon, draws)


def expected_value(
    customers: pl.DataFrame,
    purchases: PurchaseModel,
    spend: SpendModel,
    horizon: float,
    draws: int = 200,
) -> FutureSales:
    """What each customer is expected to buy within the horizon, and the range of it.

    The range is that of draws from the models: parameters from the normal approximation of their
    estimate, then whether the customer is lost, the rate, the chance to be lost, the purchases and
    their values. The generator begins with the same seed each time.

    Args:
        customers: frequency, recency, age, monetary as in the fits, and group (text).
        purchases: fitted with the same unit of time.
        spend: fitted with the same money.
        horizon: from now, in the unit of age.
        draws: of the whole population.
    """
    x, t, age, z = (
        customers[name].fill_null(0).to_numpy().astype(float)
        for name in ("frequency", "recency", "age", "monetary")
    )
    groups = customers["group"].unique().sort()
    places = customers["group"].replace_strict(groups, np.arange(len(groups))).to_numpy()
    sums = np.zeros((draws, len(groups)))
    lower, upper = np.empty(len(x)), np.empty(len(x))
    random = np.random.default_rng(20)
    drawn = _drawn_parameters(random, purchases, spend, draws)
    alike = customers.select(pl.struct("frequency", "recency", "age").rank("dense") - 1)
    who = alike.to_series().to_numpy().astype(np.int64)
    _, of_kind = np.unique(who, return_index=True)
    for first in range(0, len(x), _CUSTOMERS_AT_ONCE):
        part = slice(first, first + _CUSTOMERS_AT_ONCE)
        told = Customers(x[of_kind], t[of_kind], age[of_kind], who[part], z[part])
        totals = np.stack([_drawn_totals(random, *models, told, horizon) for models in drawn])
        lower[part], upper[part] = np.quantile(totals, [0.05, 0.95], axis=0)
        for number in range(draws):
            sums[number] += np.bincount(places[part], totals[number], len(groups))
    count, each = purchases.purchases(x, t, age, horizon), spend.purchase(x, z)
    made = customers.with_columns(
        alive_probability=pl.Series(purchases.alive(x, t, age)),
        expected_purchases=pl.Series(count),
        expected_purchase_value=pl.Series(each),
        expected_value=pl.Series(count * each),
        lower_value=pl.Series(lower),
        upper_value=pl.Series(upper),
    )
    ranges = np.quantile(sums, [0.05, 0.95], axis=0)
    return FutureSales(
        made,
        pl.DataFrame({
            "group": groups,
            "customers": np.bincount(places, minlength=len(groups)),
            "expected_value": np.bincount(places, count * each, len(groups)),
            "lower_value": ranges[0],
            "upper_value": ranges[1],
        }),
    )  # fmt: skip


@dataclass(frozen=True)
class Customers:
    """Some customers, and what the kinds of customers there are have in common.

    Attributes:
        x, t, age: frequency, recency and age of each kind.
        who: kind of each customer.
        z: monetary of each customer.
    """

    x: Array
    t: Array
    age: Array
    who: NDArray[np.int64]
    z: Array


def _drawn_parameters(
    random: np.random.Generator, purchases: PurchaseModel, spend: SpendModel, draws: int
) -> list[tuple[PurchaseModel, SpendModel]]:
    """Models that the data would also allow."""
    one = _drawn_logs(random, np.array([purchases.r, purchases.alpha, purchases.a, purchases.b]),
                      purchases.covariance, draws)  # fmt: skip
    other = _drawn_logs(random, np.array([spend.p, spend.q, spend.v]), spend.covariance, draws)
    return [
        (PurchaseModel.of(a, 0.0, purchases.covariance), SpendModel.of(b, 0.0, spend.covariance))
        for a, b in zip(one, other, strict=True)
    ]


def _drawn_logs(
    random: np.random.Generator, parameters: Array, covariance: Array, draws: int
) -> Array:
    """Logarithms near those of the parameters, no further from them than a fit looks.

    What a young shop's data leave open has a curvature near 0, and a normal draw along it no end:
    it stops there, in its direction, so that parameters which move together still do.
    """
    moves = random.multivariate_normal(np.zeros(len(parameters)), covariance, draws)
    furthest = np.abs(moves).max(axis=1, keepdims=True)
    drawn: Array = np.log(parameters) + moves * REACH / np.maximum(furthest, REACH)
    return drawn


def _drawn_totals(
    random: np.random.Generator,
    purchases: PurchaseModel,
    spend: SpendModel,
    told: Customers,
    horizon: float,
) -> Array:
    """One future of every customer: the value of all purchases within the horizon.

    Most buy nothing, so the first purchase comes first: it falls into the horizon with a chance
    that is known, at an instant whose distribution is known, and tells of the rate after it.
    """
    p = purchases
    alpha = p.alpha + told.age
    none = (alpha / (alpha + horizon)) ** (p.r + told.x)
    buys_rate = p.alive(told.x, told.t, told.age) * (1 - none)
    buys = np.flatnonzero(random.random(len(told.who)) < buys_rate[told.who])
    who = told.who[buys]
    x, none, alpha, z = told.x[who], none[who], alpha[who], told.z[buys]
    first = alpha * ((1 - random.random(len(x)) * (1 - none)) ** (-1 / (p.r + x)) - 1)
    rate = random.gamma(p.r + x + 1) / (alpha + first)
    more = random.poisson(rate * np.maximum(horizon - first, 0))
    stays = random.geometric(np.clip(random.beta(p.a, p.b + x), 1e-12, 1))
    made = np.minimum(1 + more, stays)
    scale = random.gamma(spend.q + spend.p * x) / (spend.v + x * z)
    total = np.zeros(len(told.who))
    total[buys] = random.gamma(spend.p * made) / scale
    return total
