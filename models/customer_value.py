"""What customers will still buy: BG/NBD for how often, Gamma-Gamma for how much.

Belongs here: both models, what they expect, and their fit on sufficient statistics. Does not belong
here: the range of what may come (`models.future_sales`), what a customer has bought (SQL), words.

Sources: Fader, Hardie, Lee, "Counting your customers" the easy way, Marketing Science 24 (2005);
the same, "RFM and CLV", JMR 42 (2005), for the value of a purchase. Times may be of any one unit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

__all__ = ["REACH", "PurchaseModel", "SpendModel", "fit_purchases", "fit_spend"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PurchaseModel:
    """BG/NBD: purchases come at a rate, and after each the customer may be lost.

    The rates of the customers are Gamma(r, alpha), their chances to be lost Beta(a, b).

    Attributes:
        r, alpha, a, b: the parameters; alpha in the unit of the times.
        log_likelihood: of the fit.
        covariance: 4 x 4, of the logarithms of the parameters.
    """

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float
    covariance: Array

    @classmethod
    def of(cls, logs: Array, log_likelihood: float, covariance: Array) -> PurchaseModel:
        """The model with these logarithms of its parameters."""
        r, alpha, a, b = np.exp(logs).tolist()
        return cls(r, alpha, a, b, log_likelihood, covariance)

    def alive(self, frequency: Array, recency: Array, age: Array) -> Array:
        """Chance that each customer is not lost.

        Args:
            frequency: purchases after the first.
            recency: from the first purchase to the last.
            age: from the first purchase to now.
        """
        return 1 / (1 + self._odds_lost(frequency, recency, age))

    def purchases(self, frequency: Array, recency: Array, age: Array, horizon: float) -> Array:
        """Purchases that each customer is expected to make within the horizon from now."""
        from scipy.special import hyp2f1

        r, alpha, b = self.r + frequency, self.alpha + age, self.b + frequency
        # the formula is 0 / 0 at a = 1, and continuous there
        a = self.a if abs(self.a - 1) > 1e-7 else 1 + 1e-7
        series = hyp2f1(r, b, a + b - 1, horizon / (alpha + horizon))
        lived: Array = (a + b - 1) / (a - 1) * (1 - (alpha / (alpha + horizon)) ** r * series)
        return lived / (1 + self._odds_lost(frequency, recency, age))

    def _odds_lost(self, frequency: Array, recency: Array, age: Array) -> Array:
        again = frequency > 0  # who bought once has had no chance to be lost
        odds = self.a / (self.b + np.where(again, frequency, 1) - 1)
        ratio = ((self.alpha + age) / (self.alpha + recency)) ** (self.r + frequency)
        return np.where(again, odds * ratio, 0.0)


@dataclass(frozen=True)
class SpendModel:
    """Gamma-Gamma: a purchase is Gamma(p, nu), and nu of the customers is Gamma(q, v).

    Attributes:
        p, q, v: the parameters; v in the unit of money.
        log_likelihood: of the fit.
        covariance: 3 x 3, of the logarithms of the parameters.
    """

    p: float
    q: float
    v: float
    log_likelihood: float
    covariance: Array

    @classmethod
    def of(cls, logs: Array, log_likelihood: float, covariance: Array) -> SpendModel:
        """The model with these logarithms of its parameters."""
        p, q, v = np.exp(logs).tolist()
        return cls(p, q, v, log_likelihood, covariance)

    def purchase(self, frequency: Array, monetary: Array) -> Array:
        """Value expected of a purchase of each customer.

        Args:
            frequency: purchases that monetary is the mean of; 0: that of the population.
            monetary: mean value of them; not read where frequency is 0.
        """
        told = np.where(frequency > 0, frequency * monetary, 0.0)
        return self.p * (self.v + told) / (self.p * frequency + self.q - 1)


def fit_purchases(customers: pl.DataFrame) -> PurchaseModel | None:
    """Fit BG/NBD by maximum likelihood.

    Args:
        customers: frequency (purchase days after the first), recency (first to last), age (first
            to now), one row a customer.

    Returns:
        The model; None where nobody bought again, or no finite model fits best.
    """
    from scipy.special import betaln, gammaln, psi

    told = customers.group_by("frequency", "recency", "age").len("times").sort(pl.all())
    x, t, age, times = (told[name].to_numpy().astype(float) for name in told.columns)
    if not (x > 0).any():
        return None

    again = x > 0

    def loss(logs: Array) -> tuple[float, Array]:
        r, alpha, a, b = np.exp(logs)
        shared = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - betaln(a, b)
        alive = betaln(a, b + x) - (r + x) * np.log(alpha + age)
        lost = np.full_like(alive, -np.inf)
        lost[again] = betaln(a + 1, b + x[again] - 1) - (r + x[again]) * np.log(alpha + t[again])
        whole = np.logaddexp(alive, lost)
        of_lost = np.exp(lost - whole)  # chance to be lost, given all that was seen
        one = psi(a + b) - psi(a + b + x)
        slopes = [
            psi(r + x) - psi(r) + np.log(alpha)
            - (1 - of_lost) * np.log(alpha + age) - of_lost * np.log(alpha + t),
            r / alpha - (r + x) * ((1 - of_lost) / (alpha + age) + of_lost / (alpha + t)),
            one + of_lost / a,
            one + psi(b + x) - psi(b) - of_lost / np.where(again, b + x - 1, 1),
        ]  # fmt: skip
        gradient = np.array([np.sum(times * slope) for slope in slopes]) * np.exp(logs)
        return -float(np.sum(times * (shared + whole))), -gradient

    found = _minimised(loss, np.log([1.0, max(float(np.average(age, weights=times)), 1e-9), 1, 1]))
    return PurchaseModel.of(found[0], -found[1], found[2]) if found else None


def fit_spend(customers: pl.DataFrame) -> SpendModel | None:
    """Fit Gamma-Gamma by maximum likelihood on those who bought again.

    Args:
        customers: frequency and monetary (mean value of these purchases, above 0).

    Returns:
        The model; None where too few bought again, or the mean of purchases would be infinite.
    """
    from scipy.special import gammaln, psi

    told = customers.filter(pl.col("frequency") > 0, pl.col("monetary") > 0)
    x, z = (told[name].to_numpy().astype(float) for name in ("frequency", "monetary"))
    if len(x) < 2:
        return None

    def loss(logs: Array) -> tuple[float, Array]:
        p, q, v = np.exp(logs)
        spent = np.log(x * z + v)
        likelihood = (
            gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(v)
            + (p * x - 1) * np.log(z) + p * x * np.log(x) - (p * x + q) * spent
        )  # fmt: skip
        slopes = [
            x * (psi(p * x + q) - psi(p * x) + np.log(x * z) - spent),
            psi(p * x + q) - psi(q) + np.log(v) - spent,
            q / v - (p * x + q) / (x * z + v),
        ]
        gradient = np.array([slope.sum() for slope in slopes]) * np.exp(logs)
        return -float(likelihood.sum()), -gradient

    found = _minimised(loss, np.log([1.0, 2.0, max(float(z.mean()), 1e-9)]))
    if not found or found[0][1] <= 0:  # q <= 1
        return None
    return SpendModel.of(found[0], -found[1], found[2])


Loss = Callable[[Array], tuple[float, Array]]
REACH = float(np.log(1000.0))  # of the logarithm of a parameter


def _minimised(loss: Loss, start: Array) -> tuple[Array, float, Array] | None:
    """Where a loss is least, its value there, and the inverse of its curvature.

    A shape that grows without end says that customers do not differ in it: at the edge they hardly
    do, and the parameter is held there as if it were known.

    Args:
        loss: gives its value and its gradient.
        start: where to begin; the edges are a factor of a thousand from it.

    Returns:
        None where the loss has no least value.
    """
    from scipy.optimize import minimize

    with np.errstate(all="ignore"):
        found = minimize(
            loss, start, jac=True, method="L-BFGS-B",
            bounds=[(one - REACH, one + REACH) for one in start],
            options={"ftol": 1e-15, "gtol": 1e-7},
        )  # fmt: skip
        if not np.isfinite(found.fun):
            return None
        free = np.flatnonzero(np.abs(found.x - start) < REACH - 1e-6)
        covariance = _inverse_curvature(loss, found.x, free)
    return (found.x, float(found.fun), covariance) if covariance is not None else None


def _inverse_curvature(loss: Loss, at: Array, free: NDArray[np.intp]) -> Array | None:
    """Inverse of the slopes of the gradient, 0 where not free; None where it is no minimum."""
    moves = np.eye(len(at))[free] * 1e-4
    slopes = np.array([(loss(at + move)[1] - loss(at - move)[1])[free] / 2e-4 for move in moves])
    curvature = (slopes + slopes.T) / 2
    try:
        np.linalg.cholesky(curvature)
    except np.linalg.LinAlgError:
        return None
    inverse = np.zeros((len(at), len(at)))
    inverse[np.ix_(free, free)] = np.linalg.inv(curvature)
    return inverse
