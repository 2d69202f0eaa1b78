"""What experiments show: variants against the control, once the split itself has passed a test.

Belongs here: what is compared, and when it is shown. Does not belong here: who was exposed and what
they bought (`fct_experiment_arms_daily`), when to stop, words.

Source: Deng and others, CUPED, WSDM 2013.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.significance import (
    Sample,
    always_valid,
    holm,
    newcombe,
    sample_ratio,
    two_proportions,
    welch,
)

__all__ = ["RESULT_SCHEMA", "ExperimentParams", "experiment_results"]

Array = NDArray[np.float64]

RESULT_SCHEMA: dict[str, type[pl.DataType]] = {
    "platform": pl.String,
    "experiment": pl.String,
    "metric": pl.String,
    "variant": pl.String,
    "control": pl.String,
    "exposed": pl.Int64,
    "control_exposed": pl.Int64,
    "status": pl.String,
    "sample_ratio_p_value": pl.Float64,
    "value": pl.Float64,
    "control_value": pl.Float64,
    "difference": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "p_value": pl.Float64,
    "adjusted_p_value": pl.Float64,
    "always_valid_p_value": pl.Float64,
}
"""Columns of `experiment_results`, one row per experiment, metric and variant but the control."""


@dataclass(frozen=True)
class ExperimentParams:
    """When a result is shown, and how sure its ranges are.

    Attributes:
        control: name of the variant the others are compared with; where an experiment has none of
            that name, its first in the alphabet.
        level: of the ranges.
        least_ratio_p: below it the split is not the planned one, and nothing is shown.
        mixture_rate: the always valid test is strongest for differences of this part of the
            control's value.
        least_exposed: visitors a variant must have.
    """

    control: str = "control"
    level: float = 0.95
    least_ratio_p: float = 0.001
    mixture_rate: float = 0.1
    least_exposed: int = 30


def experiment_results(arms: pl.DataFrame, params: ExperimentParams | None = None) -> pl.DataFrame:
    """Compare the variants of each experiment with its control.

    Args:
        arms: one row per platform, experiment and variant: exposed, converted (visitors), and sums
            over visitors: orders, orders_sq, revenue, revenue_sq, revenue_orders,
            pre_period_revenue, pre_period_revenue_sq, revenue_pre_period_revenue.
        params: what is shown.

    Returns:
        `RESULT_SCHEMA`. Metrics: conversion_rate, revenue_per_visitor, the same with what visitors
        bought before taken into account (revenue_per_visitor_adjusted), aov. Where status is not
        tested (sample_ratio_mismatch, too_few, no_control) the results are NULL.
    """
    params = params or ExperimentParams()
    found = [
        _of_experiment(part.sort("variant"), params)
        for _, part in arms.sort("platform", "experiment").group_by(
            "platform", "experiment", maintain_order=True
        )
    ]
    return pl.concat(found) if found else pl.DataFrame(schema=RESULT_SCHEMA)


def _of_experiment(arms: pl.DataFrame, params: ExperimentParams) -> pl.DataFrame:
    names = arms["variant"].to_list()
    control = params.control if params.control in names else names[0]
    own, others = arms.filter(variant=control), arms.filter(pl.col("variant") != control)
    exposed = arms["exposed"].to_numpy().astype(float)
    ratio_p = sample_ratio(exposed, np.ones(len(exposed))) if len(exposed) > 1 else np.nan
    if others.is_empty():
        status, others = "no_control", own
    elif ratio_p < params.least_ratio_p:
        status = "sample_ratio_mismatch"
    else:
        status = "too_few" if exposed.min() < params.least_exposed else "tested"
    metrics = _measured(_Arms(others), _Arms(own), params) if status == "tested" else {}
    rows = [
        others.select(
            "platform", "experiment", "variant", "exposed",
            metric=pl.lit(metric), control=pl.lit(control), status=pl.lit(status),
            control_exposed=pl.lit(own["exposed"][0]), sample_ratio_p_value=pl.lit(ratio_p),
            **{name: pl.Series(values) for name, values in metrics.get(metric, {}).items()},
        )
        for metric in _METRICS
    ]  # fmt: skip
    made = pl.concat(rows)
    if "p_value" in made.columns:
        p_values = made["p_value"].to_numpy()
        made = made.with_columns(adjusted_p_value=pl.Series(holm(p_values)))
    missing = [pl.lit(None).alias(name) for name in RESULT_SCHEMA if name not in made.columns]
    return (
        made.with_columns(missing)
        .select(pl.col(name).cast(kind) for name, kind in RESULT_SCHEMA.items())
        .with_columns(pl.col(pl.Float64).fill_nan(None))
    )


_METRICS = ("conversion_rate", "revenue_per_visitor", "revenue_per_visitor_adjusted", "aov")


class _Arms:
    """Means, variances and covariances by variant, from the sums."""

    def __init__(self, arms: pl.DataFrame) -> None:
        told = arms.select(pl.exclude("platform", "experiment", "variant").cast(pl.Float64))
        self._sums = {name: told[name].to_numpy() for name in told.columns}
        self.count = self._sums["exposed"]
        self.bought = self._sums["converted"]

    def mean(self, name: str) -> Array:
        mean: Array = self._sums[name] / self.count
        return mean

    def covariance(self, name: str, other: str, product: str) -> Array:
        moved = self._sums[product] - self._sums[name] * self.mean(other)
        covariance: Array = np.maximum(moved, 0 if name == other else -np.inf) / (self.count - 1)
        return covariance

    def variance(self, name: str) -> Array:
        return self.covariance(name, name, f"{name}_sq")


def _measured(arms: _Arms, own: _Arms, params: ExperimentParams) -> dict[str, dict[str, Array]]:
    """Metric -> column -> value by variant."""
    before, before0 = _less_what_was_foretold(arms, own)
    revenue, revenue0 = (Sample(x.mean("revenue"), x.variance("revenue"), x.count)
                         for x in (arms, own))  # fmt: skip
    return {
        "conversion_rate": _of_rates(arms, own, params),
        "revenue_per_visitor": _of_means(revenue, revenue0, params),
        "revenue_per_visitor_adjusted": _of_means(before, before0, params),
        "aov": _of_ratios(_ratio(arms), _ratio(own), params),
    }


def _of_rates(arms: _Arms, own: _Arms, params: ExperimentParams) -> dict[str, Array]:
    counts = (arms.bought, arms.count, own.bought, own.count)
    one, other = (
        Sample(rate, rate * (1 - rate), count)
        for rate, count in (
            (arms.bought / arms.count, arms.count),
            (own.bought / own.count, own.count),
        )
    )
    lower, upper = newcombe(*counts, params.level)
    found = {"p_value": two_proportions(*counts), "lower": lower, "upper": upper}
    return found | _differing(one, other, params)


def _of_means(one: Sample, other: Sample, params: ExperimentParams) -> dict[str, Array]:
    told = welch(one, other, params.level)
    found = {"p_value": told.p_value, "lower": told.lower, "upper": told.upper}
    return found | _differing(one, other, params)


def _of_ratios(one: Sample, other: Sample, params: ExperimentParams) -> dict[str, Array]:
    from scipy.special import ndtr, ndtri

    difference = one.mean - other.mean
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.sqrt(one.of_mean + other.of_mean)
        p: Array = 2 * ndtr(-np.abs(difference) / scale)
    half = float(ndtri((1 + params.level) / 2)) * scale
    found = {"p_value": p, "lower": difference - half, "upper": difference + half}
    return found | _differing(one, other, params)


def _differing(one: Sample, other: Sample, params: ExperimentParams) -> dict[str, Array]:
    difference, control = one.mean - other.mean, np.broadcast_to(other.mean, one.mean.shape)
    mixture = (params.mixture_rate * control) ** 2
    return {
        "value": one.mean,
        "control_value": control,
        "difference": difference,
        "always_valid_p_value": always_valid(difference, one.of_mean + other.of_mean, mixture)[1],
    }


def _less_what_was_foretold(arms: _Arms, own: _Arms) -> tuple[Sample, Sample]:
    """CUPED: revenue less what revenue before the exposure foretells of it, by one slope for both.

    The slope is that within the variants, so that what the experiment did is no part of it.
    """
    both = (arms, own)
    spreads = [one.variance("pre_period_revenue") for one in both]
    joints = [
        one.covariance("revenue", "pre_period_revenue", "revenue_pre_period_revenue")
        for one in both
    ]
    within, joint = (
        sum(part * (one.count - 1) for part, one in zip(parts, both, strict=True))
        for parts in (spreads, joints)
    )
    middle = sum(one.mean("pre_period_revenue") * one.count for one in both) / sum(
        one.count for one in both
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = joint / within
    one, other = (
        Sample(
            arm.mean("revenue") - slope * (arm.mean("pre_period_revenue") - middle),
            arm.variance("revenue") - 2 * slope * shared + slope**2 * spread,
            np.broadcast_to(arm.count, slope.shape),
        )
        for arm, spread, shared in zip(both, spreads, joints, strict=True)
    )
    return one, other


def _ratio(arms: _Arms) -> Sample:
    """Revenue over orders, whose number varies with the visitor: delta method."""
    with np.errstate(divide="ignore", invalid="ignore"):
        value = arms.mean("revenue") / arms.mean("orders")
        spread = (
            arms.variance("revenue")
            - 2 * value * arms.covariance("revenue", "orders", "revenue_orders")
            + value**2 * arms.variance("orders")
        )
        return Sample(value, spread / arms.mean("orders") ** 2, arms.count)
