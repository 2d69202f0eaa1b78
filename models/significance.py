"""Whether two samples differ by more than chance, from their sums alone.

Belongs here: tests, ranges and their adjustment as functions of arrays. Does not belong here: which
samples are compared (`models.experiments`), words.

Sources: Newcombe, Interval estimation for the difference between independent proportions,
Statistics in Medicine 17 (1998), method 10; Johari and others, Always valid inference, Operations
Research 70 (2022).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Compared",
    "Sample",
    "always_valid",
    "holm",
    "newcombe",
    "sample_ratio",
    "two_proportions",
    "welch",
]

Array = NDArray[np.float64]


def sample_ratio(counts: Array, shares: Array) -> float:
    """Chance of a split at least as far from the planned shares; Pearson's chi-squared test.

    Args:
        counts: visitors by variant.
        shares: planned, of any sum.
    """
    from scipy.stats import chisquare

    return float(chisquare(counts, counts.sum() * shares / shares.sum()).pvalue)


def two_proportions(bought: Array, exposed: Array, bought0: Array, exposed0: Array) -> Array:
    """Two-sided p of equal proportions, by the pooled normal test; NaN where all or none bought."""
    from scipy.special import ndtr

    pooled = (bought + bought0) / (exposed + exposed0)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.sqrt(pooled * (1 - pooled) * (1 / exposed + 1 / exposed0))
        p: Array = 2 * ndtr(-np.abs(bought / exposed - bought0 / exposed0) / scale)
    return p


def newcombe(
    bought: Array, exposed: Array, bought0: Array, exposed0: Array, level: float = 0.95
) -> tuple[Array, Array]:
    """Range of the difference of two proportions from the Wilson ranges of each."""
    from scipy.special import ndtri

    z = float(ndtri((1 + level) / 2))

    def wilson(count: Array, of: Array) -> tuple[Array, Array, Array]:
        share = count / of
        middle = share + z * z / (2 * of)
        half = z * np.sqrt(share * (1 - share) / of + (z / (2 * of)) ** 2)
        return share, (middle - half) / (1 + z * z / of), (middle + half) / (1 + z * z / of)

    one, lower, upper = wilson(bought, exposed)
    other, lower0, upper0 = wilson(bought0, exposed0)
    difference = one - other
    return (
        difference - np.hypot(one - lower, upper0 - other),
        difference + np.hypot(upper - one, other - lower0),
    )


class Sample(NamedTuple):
    """What is known of visitors' values, each an array over variants.

    Attributes:
        mean: of the values.
        variance: of them, with n - 1.
        size: visitors.
    """

    mean: Array
    variance: Array
    size: Array

    @property
    def of_mean(self) -> Array:
        """Variance of the mean."""
        return self.variance / self.size


class Compared(NamedTuple):
    """A difference of two means: statistic, degrees of freedom, two-sided p, and its range."""

    t: Array
    freedom: Array
    p_value: Array
    lower: Array
    upper: Array


def welch(one: Sample, other: Sample, level: float = 0.95) -> Compared:
    """Welch's test that two means are equal, and the range of one less the other."""
    from scipy.special import stdtr, stdtrit

    difference = one.mean - other.mean
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = one.of_mean + other.of_mean
        freedom = variance**2 / (
            one.of_mean**2 / (one.size - 1) + other.of_mean**2 / (other.size - 1)
        )
        t = difference / np.sqrt(variance)
        p = 2 * stdtr(freedom, -np.abs(t))
        half = stdtrit(freedom, (1 + level) / 2) * np.sqrt(variance)
    return Compared(t, freedom, p, difference - half, difference + half)


def always_valid(difference: Array, variance: Array, mixture: Array) -> tuple[Array, Array]:
    """Mixture sequential test: likelihood ratio and a p that may be looked at each day.

    Args:
        difference: of the two means so far.
        variance: of that difference.
        mixture: variance of the differences the test is made for, around 0.

    Returns:
        The ratio, and min(1, 1 / ratio). Over the days the least p so far is valid too.
    """
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        both = variance + mixture
        ratio = np.sqrt(variance / both) * np.exp(mixture * difference**2 / (2 * variance * both))
        return ratio, np.minimum(1.0, 1.0 / ratio)


def holm(p_values: Array) -> Array:
    """P values raised so that the chance of any false finding among all keeps its level.

    NaN where not known; those count for nothing.
    """
    adjusted: Array = np.full(len(p_values), np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    raised = p_values[order] * (len(order) - np.arange(len(order)))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(raised))
    return adjusted
