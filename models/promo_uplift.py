"""What a promotion sold beyond what would have been sold without it, and what it took from others.

Belongs here: the counterfactual with its range, and whether those won by a promotion come back.
Does not belong here: which days a promotion has and what was sold on them (SQL), costs, words.

The counterfactual of a platform is told by the ordinary days around the promotion: weekdays, a line
over time, and disturbances that hang together from day to day (kriging with an autoregression).
How much they hang together is not known either: the answers of a grid of such models are weighted
by how likely each makes the ordinary days. Source: Rasmussen and Williams, Gaussian Processes for
Machine Learning (2006), 2.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from models.baseline import Flags, Floats, Ints
from models.significance import newcombe, two_proportions

__all__ = ["NEW_BUYER_SCHEMA", "UPLIFT_SCHEMA", "UpliftParams", "new_buyers", "promo_uplift"]

UPLIFT_SCHEMA: dict[str, type[pl.DataType]] = {
    "promo": pl.String,
    "promo_year": pl.Int32,
    "platform": pl.String,
    "measure": pl.String,
    "part": pl.String,
    "first_date": pl.Date,
    "last_date": pl.Date,
    "day_count": pl.Int64,
    "observed_amount": pl.Float64,
    "expected_amount": pl.Float64,
    "uplift_amount": pl.Float64,
    "lower_uplift_amount": pl.Float64,
    "upper_uplift_amount": pl.Float64,
    "uplift_rate": pl.Float64,
    "trained_days": pl.Int64,
}
"""Columns of `promo_uplift`, one row per promotion, platform, measure and part."""

NEW_BUYER_SCHEMA: dict[str, type[pl.DataType]] = {
    "promo": pl.String,
    "promo_year": pl.Int32,
    "platform": pl.String,
    "new_buyers": pl.Int64,
    "returned_buyers": pl.Int64,
    "repurchase_rate": pl.Float64,
    "ordinary_buyers": pl.Int64,
    "ordinary_returned_buyers": pl.Int64,
    "ordinary_repurchase_rate": pl.Float64,
    "difference": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "p_value": pl.Float64,
}
"""Columns of `new_buyers`, one row per promotion and platform."""

PROMO = ["promo", "promo_year", "platform"]


@dataclass(frozen=True)
class UpliftParams:
    """Which days teach, and which are looked at.

    Attributes:
        window_days: days before and after the promotion that may teach what is ordinary.
        before_days: days before it on which buyers may have waited.
        after_days: days after it on which sales may be missing that it brought forward.
        least_days: ordinary days below which nothing is said.
        level: of the ranges.
        memories: how much of a disturbance is left the day after, as tried.
        parts: of its variance that so hangs together, as tried.
    """

    window_days: int = 63
    before_days: int = 7
    after_days: int = 14
    least_days: int = 28
    level: float = 0.90
    memories: tuple[float, ...] = (0.4, 0.75, 0.93, 0.98)
    parts: tuple[float, ...] = (0.0, 0.15, 0.3, 0.5, 0.75, 0.95)


def promo_uplift(
    sales: pl.DataFrame,
    promos: pl.DataFrame,
    phases: pl.DataFrame,
    params: UpliftParams | None = None,
) -> pl.DataFrame:
    """Compare the days of each promotion, and those around it, with what was to be expected.

    Args:
        sales: promo, promo_year, platform, measure, business_date, gmv; one row per known day of
            the window, zeros included, NULL where not known.
        promos: promo, promo_year, platform, first_date, last_date.
        phases: platform, start_date, end_date of everything in the calendar: no ordinary days.
        params: which days teach.

    Returns:
        `UPLIFT_SCHEMA`. part is before or after (those days that the calendar says nothing of),
        promo, or total, the three together. Days not known or ahead are left out of a part and of
        its day_count. What lacks ordinary days has no row.
    """
    params = params or UpliftParams()
    around, within = _special_days(promos, phases, params)
    rows: list[dict[str, object]] = []
    for key, part in sales.join(promos, on=PROMO).sort(*PROMO, "measure", "business_date").group_by(
        *PROMO, "measure", maintain_order=True
    ):  # fmt: skip
        first, last = part["first_date"][0], part["last_date"][0]
        days = part.drop_nulls("gmv")
        special = [one.filter(platform=key[2])["day"] for one in (around, within)]
        roles = _roles(days["business_date"], first, last, special, params)
        gmv = days["gmv"].cast(pl.Float64).to_numpy()
        found = _parts(days["business_date"], gmv, roles, params)
        names = dict(zip((*PROMO, "measure"), key, strict=True))
        rows += [names | one for one in found]
    return pl.DataFrame(rows, schema=UPLIFT_SCHEMA)


def _special_days(
    promos: pl.DataFrame, phases: pl.DataFrame, params: UpliftParams
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Days around the promotions, and those of the calendar: each platform, day."""
    around = promos.select(
        "platform",
        start=pl.col("first_date") - timedelta(days=params.before_days),
        end=pl.col("last_date") + timedelta(days=params.after_days),
    )
    within = phases.select("platform", start="start_date", end="end_date")
    either = (
        spans.select("platform", day=pl.date_ranges("start", "end")).explode("day").unique()
        for spans in (around, within)
    )
    return next(either), next(either)


def _roles(
    days: pl.Series,
    first: date,
    last: date,
    special: list[pl.Series],
    params: UpliftParams,
) -> dict[str, Flags]:
    """Which days are before, in and after the promotion, and which teach."""
    around, within = (days.is_in(one.implode()) for one in special)
    window = timedelta(days=params.window_days)
    before = days.is_between(first - timedelta(days=params.before_days), first, closed="left")
    after = days.is_between(last, last + timedelta(days=params.after_days), closed="right")
    teach = ~around & ~within & days.is_between(first - window, last + window)
    roles = {"before": before & ~within, "promo": days.is_between(first, last),
             "after": after & ~within, "ordinary": teach}  # fmt: skip
    return {name: role.to_numpy() for name, role in roles.items()}


def _parts(
    days: pl.Series, gmv: Floats, roles: dict[str, Flags], params: UpliftParams
) -> list[dict[str, object]]:
    """Rows of one promotion and measure."""
    ordinary = roles["ordinary"] & (gmv > 0)
    looked_at = roles["before"] | roles["promo"] | roles["after"]
    if ordinary.sum() < params.least_days or not roles["promo"].any():
        return []
    number = days.dt.epoch("d").to_numpy().astype(float)
    weekday = days.dt.weekday().to_numpy() - 1
    names = {"before": roles["before"], "promo": roles["promo"], "after": roles["after"],
             "total": looked_at}  # fmt: skip
    sums = np.array([part[looked_at] for part in names.values()], dtype=float)
    sums *= _open_share(gmv, roles["ordinary"], weekday)[looked_at]
    mean, spread = _counterfactual(number, weekday, gmv, ordinary, looked_at, sums, params)
    found = []
    for (name, part), expected, sd in zip(names.items(), mean, spread, strict=True):
        if not part.any():
            continue
        lower, upper = _lognormal_range(expected, sd, params.level)
        observed = float(gmv[part].sum())
        found.append({
            "part": name, "first_date": days.filter(part).min(),
            "last_date": days.filter(part).max(), "day_count": int(part.sum()),
            "observed_amount": observed, "expected_amount": expected,
            "uplift_amount": observed - expected, "lower_uplift_amount": observed - upper,
            "upper_uplift_amount": observed - lower,
            "uplift_rate": observed / expected - 1 if expected > 0 else None,
            "trained_days": int(ordinary.sum()),
        })  # fmt: skip
    return found


def _open_share(gmv: Floats, teach: Flags, weekday: Ints) -> Floats:
    """How often something is sold on each day's weekday: a closed Sunday expects nothing."""
    opened = np.bincount(weekday[teach & (gmv > 0)], minlength=7)
    return np.asarray((opened / np.maximum(np.bincount(weekday[teach], minlength=7), 1))[weekday])


def _lognormal_range(mean: float, sd: float, level: float) -> tuple[float, float]:
    from scipy.special import ndtri

    if mean <= 0:
        return 0.0, 0.0
    scale = np.sqrt(np.log1p((sd / mean) ** 2))
    middle, reach = np.log(mean) - scale**2 / 2, float(ndtri((1 + level) / 2)) * scale
    return float(np.exp(middle - reach)), float(np.exp(middle + reach))


def _counterfactual(  # noqa: PLR0913, PLR0917 - arrays of the same days
    number: Floats, weekday: Ints, gmv: Floats, ordinary: Flags, looked_at: Flags,
    sums: Floats, params: UpliftParams,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Mean and standard deviation of weighted sums of the days looked at, had there been none.

    Args:
        number: the days, counted.
        weekday: 0 to 6.
        gmv: of the days, above 0 on the ordinary ones.
        ordinary: days that teach.
        looked_at: days that are told.
        sums: sums x days looked at, the weights.
        params: the models that are tried.
    """
    logs = np.log(gmv[ordinary])
    centre, far = number[ordinary].mean(), np.ptp(number[ordinary]) / 2 + 1
    design = np.column_stack([np.eye(7)[weekday], (number - centre) / far])
    used = design[ordinary].any(axis=0)
    x, ahead = design[ordinary][:, used], design[looked_at][:, used]
    kept = _without_outliers(x, logs)
    x, logs, when = x[kept], logs[kept], number[ordinary][kept]
    aside = number[looked_at]
    apart = [np.abs(aside[:, None] - one) for one in (when, aside)]
    weights, means, spreads = [], [], []
    for memory in params.memories:
        cross, alone = (memory**gap for gap in apart)
        values, axes = _axes(memory ** np.diff(when))  # one for all parts of the variance
        turned = [axes.T @ one for one in (x, logs, cross.T)]
        for part in params.parts:
            scale = 1 / np.sqrt(part * values + 1 - part)
            white = [scale[:, None] * turned[0], scale * turned[1],
                     part * scale[:, None] * turned[2]]  # fmt: skip
            own = part * alone + (1 - part) * np.eye(len(aside))
            likelihood, mean, cover = _kriged(white, own, ahead)
            level = np.exp(mean + np.diag(cover) / 2)
            joint = np.expm1(cover) * level[:, None] * level
            weights.append(likelihood + np.log(scale).sum())
            means.append(sums @ level)
            spreads.append(((sums @ joint) * sums).sum(axis=1))
    share = np.exp(np.array(weights) - max(weights))
    share /= share.sum()
    mean = share @ np.array(means)
    variance = share @ (np.array(spreads) + (np.array(means) - mean) ** 2)
    return mean, np.sqrt(variance)


def _without_outliers(x: Floats, logs: Floats) -> Flags:
    """Days whose rest after weekdays and line is no more than four usual ones."""
    rest = logs - x @ np.linalg.lstsq(x, logs, rcond=None)[0]
    rest = rest - np.median(rest)
    scale = 1.4826 * np.median(np.abs(rest))
    return np.asarray(np.abs(rest) <= 4 * max(scale, 0.01))


def _axes(left: Floats) -> tuple[Floats, Floats]:
    """Variances and axes of an autoregression; left is what is left of each day at the next.

    The inverse of its correlations is a band of three, which is far quicker to take apart.
    """
    from scipy.linalg import eigh_tridiagonal

    new = 1 - left**2
    middle = np.ones(len(left) + 1)
    middle[1:] += left**2 / new
    middle[:-1] += left**2 / new
    values, axes = eigh_tridiagonal(middle, -left / new)
    return 1 / values, axes


def _kriged(white: list[Floats], alone: Floats, ahead: Floats) -> tuple[float, Floats, Floats]:
    """Restricted log likelihood but for the whitening; mean and covariance of the days ahead.

    Args:
        white: of the days that teach, made uncorrelated: what is known of them (weekdays, time),
            what they taught, and their correlations with the days ahead.
        alone: correlations of the days ahead with each other.
        ahead: what is known of the days ahead.
    """
    x, logs, cross = white
    normal = x.T @ x
    effect = np.linalg.solve(normal, x.T @ logs)
    rest = logs - x @ effect
    freedom = len(logs) - x.shape[1]
    variance = max(float(rest @ rest) / freedom, 1e-10)
    likelihood = -0.5 * (freedom * np.log(variance) + np.linalg.slogdet(normal)[1])
    left = ahead - cross.T @ x
    cover = alone - cross.T @ cross + left @ np.linalg.solve(normal, left.T)
    # Student's wider ends
    wider = variance * freedom / max(freedom - 2, 1)
    return likelihood, ahead @ effect + cross.T @ rest, cover * wider


def new_buyers(cohorts: pl.DataFrame, level: float = 0.90) -> pl.DataFrame:
    """Compare those who first bought in a promotion with those of ordinary days.

    Args:
        cohorts: promo, promo_year, platform, new_buyers, returned_buyers (within 30 days),
            ordinary_buyers, ordinary_returned_buyers.
        level: of the range of the difference.

    Returns:
        `NEW_BUYER_SCHEMA`; NULL where one side has nobody.
    """
    bought, exposed, bought0, exposed0 = (
        cohorts[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        for name in ("returned_buyers", "new_buyers", "ordinary_returned_buyers",
                     "ordinary_buyers")
    )  # fmt: skip
    with np.errstate(divide="ignore", invalid="ignore"):
        lower, upper = newcombe(bought, exposed, bought0, exposed0, level)
        rate, usual = bought / exposed, bought0 / exposed0
        p_value = two_proportions(bought, exposed, bought0, exposed0)
    told = {"repurchase_rate": rate, "ordinary_repurchase_rate": usual, "difference": rate - usual,
            "lower": lower, "upper": upper, "p_value": p_value}  # fmt: skip
    return (
        cohorts.with_columns(**{name: pl.Series(values) for name, values in told.items()})
        .select(pl.col(name).cast(kind) for name, kind in NEW_BUYER_SCHEMA.items())
        .with_columns(pl.col(pl.Float64).fill_nan(None))
        .sort(*PROMO)
    )
