"""Which days of which daily KPIs fell out of their expected range, in money and by platform.

Belongs here: completeness before judgement, scores, false discoveries, impact. The baseline is in
`baseline.py`, the calendar in `event_calendar.py`, episodes in `incidents.py`.

Method: METRICS.md 4 on the baseline of `baseline.one_step_ahead`. The impact of a driver is its
effect on GMV to first order: expected GMV x (observed / expected - 1), every other factor as
expected; for visitors and conversion only the share of GMV that tracked buyers carry.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
from scipy import special

from models.baseline import (
    Baseline,
    DetectorParams,
    Flags,
    Floats,
    one_step_ahead,
)
from models.declines import declines
from models.event_calendar import event_calendar, event_keys
from models.series import FEEDS_OF_METRIC, METRICS, SERIES_SCHEMA, Cells, cells, long_series

__all__ = [
    "ANOMALY_SCHEMA",
    "FEEDS_OF_METRIC",
    "METRICS",
    "DetectorParams",
    "detect",
    "event_calendar",
]

ANOMALY_SCHEMA: dict[str, type[pl.DataType]] = {
    "business_date": pl.Date,
    "metric": pl.String,
    "dimension": pl.String,
    "segment": pl.String,
    "platform": pl.String,
    "observed": pl.Float64,
    "expected": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "score": pl.Float64,
    "impact_amount": pl.Float64,
    "status": pl.String,
}
"""Columns of `insights.anomalies`; one row per metric x segment x day. platform is the one the
segment belongs to, null for the company."""

BAD_WHEN_HIGH = frozenset({"refund_rate"})
"""Metrics whose rise costs money."""

SUSPICIOUS_WHEN_HIGH = frozenset({"orders_per_buyer"})
"""Metrics whose rise is no gain to enjoy: the same orders submitted or delivered twice."""

TRENDS = ("gmv", "visitors", "conversion_rate")
"""Metrics of a platform that are watched for slow declines, as `<metric>_trend`."""

_COUNT_DAYS = 28
AMOUNT_SCATTER = 1.5  # an amount of n orders scatters like n / 1.5 equal ones: 1 + cv^2, cv .7
_UNSURE_COUNT = 0.5  # the usual number of repeated orders is not known to half of one
_MOST_CERTAIN = 0.9  # a rate close to 1 scatters more than the binomial: it is not known exactly
_STEADY = ("aov", "orders_per_buyer", "gmv_per_unit")
_NOTHING_LEFT = np.log(0.01)  # a day at zero counts as a fall by 99 %: its logarithm must be finite


def _platforms(daily: pl.DataFrame) -> list[str]:
    """Platforms by GMV, the largest first: the company follows its promotions."""
    sizes = daily.filter(pl.col("dimension") == "platform").group_by("segment")
    ranked = sizes.agg(pl.col("gmv").sum()).sort("gmv", "segment", descending=[True, False])
    return list(ranked["segment"])


def _closed(observed: Floats, params: DetectorParams) -> Flags:
    """Zero days with at least half of their weekday zero of late: closed, nothing was lost."""
    zero = observed == 0
    seen = np.zeros(observed.shape)
    for week in range(1, params.closed_weekday_weeks + 1):
        seen[:, 7 * week :] += zero[:, : -7 * week]
    return np.asarray(zero & (seen * 2 >= params.closed_weekday_weeks))


def _impact(series: Cells, expected: Floats, rises: Flags) -> Floats:
    """Money lost (negative) or gained against the expectation, series x days."""
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(expected > 0, series.observed / expected - 1, 0.0)
        # Visitors of a source that has no sales of its own bring their part of the platform's.
        part = expected / expected[series.parent_row]
    own = np.where(series.gmv_row[:, None] >= 0, expected[series.gmv_row], np.nan)
    platform_gmv = expected[series.gmv_row[series.parent_row]]
    has_parent = (series.parent_row >= 0) & (series.gmv_row < 0)
    gmv = np.where(has_parent[:, None], platform_gmv * part, own)
    of_money = -(series.observed - expected) * series.bases
    # A wrong price sells more than usual: what was sold at it, not what would have been.
    is_price = (series.keys["metric"] == "gmv_per_unit").to_numpy()[:, None]
    of_prices = (series.observed - expected) * series.bases
    of_factors = gmv * relative * series.tracked
    return np.asarray(np.select([rises, is_price], [of_money, of_prices], of_factors))


def _survives(p_values: Floats, fdr: float) -> Flags:
    """Benjamini-Hochberg over the series of each day; NaN is a series not tested."""
    tested = np.isfinite(p_values).sum(axis=0)
    order = np.sort(np.where(np.isfinite(p_values), p_values, np.inf), axis=0)
    rank = np.arange(1, len(p_values) + 1)[:, None]
    passing = order <= fdr * rank / np.maximum(tested, 1)
    bound = np.max(np.where(passing, order, -np.inf), axis=0)
    return np.asarray(p_values <= bound)


def _score(series: Cells, mean: Floats, scale: Floats, known: Flags) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(
            series.observed > 0,
            np.log(np.where(series.observed > 0, series.observed, 1.0)),
            np.where(series.observed == 0, mean + _NOTHING_LEFT, np.nan),
        )
        score = (logs - mean) / scale
    return np.asarray(np.where(known, score, np.nan))


def _expected_counts(series: Cells, expected: Floats, rises: Flags) -> Floats:
    """How many orders (successes of a rate, refunds) a value as expected would rest on."""
    names = series.keys["metric"].to_numpy().astype(str)[:, None]
    is_share = np.char.endswith(names, "_rate") & ~rises
    money = np.where(rises, series.bases, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        usual = _trailing_sum(series.counts) / _trailing_sum(series.observed * money)
        scatter = np.where(np.isin(names, ("buyers", "visitors", *_STEADY)), 1.0, AMOUNT_SCATTER)
        sold = expected * money * usual / scatter
    return np.asarray(np.where(is_share, series.bases * expected, sold))


def _counted(  # noqa: PLR0913, PLR0917 - matrices of one shape
    series: Cells, expected: Floats, counts: Floats, score: Floats, scale: Floats, rises: Flags
) -> Floats:
    """Scores no stronger than the number of orders (successes, refunds) behind them allows.

    The logarithm of a small count is skewed: 2 orders for 9 expected are 4.6 standard deviations
    of log counts and happen once in 160 days. So a fall is held to the exact tail of its count: of
    a step of the funnel the binomial P(X <= k | attempts, rate), else the Poisson P(X <= k | n), n
    the count had the value been as expected; a rise to the Poisson P(X >= k | n). Where a whole
    platform is seen to scatter less than Poisson, n is the count that scatters as it does,
    1 / scale^2; but one order more or less is never more than one standard deviation.
    """
    is_step = ~series.keys["metric"].is_in(sorted(FEEDS_OF_METRIC)).to_numpy()[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = series.observed / expected
        seen = np.where(series.is_part[:, None], 0.0, 1 / np.maximum(scale, 1 / counts) ** 2)
        steady = np.maximum(counts, seen)
        rate = np.minimum(expected, _MOST_CERTAIN)
        hits = counts * ratio
        tail = np.select(
            [rises, is_step & (hits < series.bases)],
            [special.gammainc(np.maximum(hits, 0.5), counts),
             special.betainc(series.bases - hits, hits + 1, 1 - rate)],
            special.gammaincc(steady * ratio + 1, steady),
        )  # fmt: skip
        allowed = special.ndtri(np.clip(tail, 1e-300, 1.0))
    bounded = np.where(rises, np.minimum(score, -allowed), np.maximum(score, allowed))
    bad = np.where(rises, score > 0, score < 0)
    return np.asarray(np.where(bad & np.isfinite(counts), bounded, score))


def _repeated(series: Cells, expected: Floats, score: Floats) -> Floats:
    """Scores of orders per buyer, held to the count of orders beyond the first of each buyer.

    That count is all that scatters: 2 second orders among 20 buyers, where half of one is usual,
    are no event, though 1.1 orders per buyer are many standard deviations above 1.02.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        more = np.maximum(series.bases * (series.observed - 1), 0.0)
        wanted = np.maximum(series.bases * (expected - 1), 0.0) + _UNSURE_COUNT
        above = -special.ndtri(np.clip(special.gammainc(np.maximum(more, 0.5), wanted), 1e-300, 1))
        below = special.ndtri(np.clip(special.gammaincc(more + 1, wanted), 1e-300, 1))
    bounded = np.where(score > 0, np.minimum(score, above), np.maximum(score, below))
    return np.asarray(np.where(np.isfinite(wanted), bounded, score))


def _trailing_sum(values: Floats) -> Floats:
    """Sum of the 28 days before, unknown days left out; NaN for a series without any value."""
    until = np.cumsum(np.pad(np.nan_to_num(values), ((0, 0), (_COUNT_DAYS + 1, 0))), axis=1)
    known = np.where(np.isfinite(values).any(axis=1), 1.0, np.nan)[:, None]
    return np.asarray((until[:, _COUNT_DAYS:-1] - until[:, : values.shape[1]]) * known)


def detect(  # noqa: PLR0913, PLR0917 - four tables in, and how to judge them
    daily: pl.DataFrame,
    dim_date: pl.DataFrame,
    dim_promo: pl.DataFrame,
    completeness: pl.DataFrame,
    params: DetectorParams | None = None,
    judge_from: date | None = None,
    more: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Judge every day of every series from the days before it.

    Args:
        daily: rows of `fct_gmv_daily` of the dimensions `all` and `platform`: business_date,
            dimension, segment, gmv, visitors, conversion_rate, buyers, orders_per_buyer, aov, and
            tracked_buyers and orders where known; unknown values null.
        dim_date: date, event, event_offset, lunar_new_year_offset (see `event_calendar`).
        dim_promo: promo, platform, phase, start_date, end_date.
        completeness: `quality.source_completeness_daily`: business_date, feed, platform,
            is_complete, reason at least.
        params: parameters; defaults of METRICS.md 4.
        judge_from: first date of the result; all history is used either way. None: all days.
        more: further series (`kpi_series.py`), a frame of `SERIES_SCHEMA`: segments of a
            platform, steps of the funnel, refund rates.

    Returns:
        Frame of `ANOMALY_SCHEMA`. status is `normal`, `anomaly` (out of the range on the bad side,
        with an impact above the floor: a fall, for refunds a rise, for orders per buyer either),
        `no_baseline` (too young, or an
        event never seen) or `data_incomplete`. lower and upper are the bounds at the threshold.
        False discoveries are held at `params.fdr` over all series of a day.
    """
    params = params or DetectorParams()
    if daily.is_empty():
        return pl.DataFrame(schema=ANOMALY_SCHEMA)
    rows = [long_series(daily)] + ([] if more is None else [more.select(list(SERIES_SCHEMA))])
    series = cells(pl.concat(rows), daily, completeness)
    if series.keys.is_empty():  # nothing was ever paid or visited
        return pl.DataFrame(schema=ANOMALY_SCHEMA)
    weekdays = np.array([day.weekday() for day in series.dates], dtype=np.int64)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.where(series.observed > 0, np.log(series.observed), np.nan)
    calendar = event_calendar(dim_date, dim_promo, _platforms(daily))
    places = series.keys["platform"].fill_null("all").to_list()
    events = event_keys(calendar, series.dates, places)
    base = one_step_ahead(values, weekdays, ~series.incomplete, events, params)
    ordinary = (events.key < 0) & ~series.incomplete
    frame = pl.concat([_judge(series, base, params), _trends(series, values, base, ordinary)])
    judged_days = pl.lit(True) if judge_from is None else pl.col("business_date") >= judge_from
    has_value = pl.col("observed").is_not_null() | (pl.col("status") == "data_incomplete")
    return (
        frame.filter(judged_days & has_value)
        .select(pl.col(name).cast(kind) for name, kind in ANOMALY_SCHEMA.items())
        .sort("business_date", "dimension", "segment", "platform", "metric")
    )


def _judge(series: Cells, base: Baseline, params: DetectorParams) -> pl.DataFrame:
    """Score, impact and status of every cell, one row a cell."""
    rises = series.keys["metric"].is_in(sorted(BAD_WHEN_HIGH)).to_numpy()[:, None]
    is_price = (series.keys["metric"] == "gmv_per_unit").to_numpy()[:, None]
    scale = np.where(is_price, np.maximum(base.scale, params.price_floor), base.scale)
    closed = _closed(series.observed, params) & ~rises
    expected = np.where(closed, 0.0, np.where(base.known, np.exp(base.mean), np.nan))
    expected = _within_whole(series, expected)
    counts = _expected_counts(series, expected, rises)
    raw = _score(series, base.mean, scale, base.known & ~closed)
    score = _counted(series, expected, counts, raw, scale, rises)
    both = series.keys["metric"].is_in(sorted(SUSPICIOUS_WHEN_HIGH)).to_numpy()[:, None]
    score = np.where(both, _repeated(series, expected, raw), score)
    is_counted = np.isfinite(series.counts).any(axis=1) & series.is_part
    too_few = is_counted[:, None] & ~(counts >= params.min_count)
    score = np.where(too_few, np.nan, score)
    impact = _impact(series, expected, rises)
    bad_side = np.where(both, -np.abs(score), np.where(rises, -score, score))
    judged = np.where(series.incomplete, np.nan, bad_side)
    # The scale is a MAD of 90 residuals, worth about 33 of a standard deviation (efficiency .37).
    p_values = special.stdtr(0.37 * params.scale_days, judged)
    is_step = ~series.keys["metric"].is_in(sorted(FEEDS_OF_METRIC)).to_numpy()[:, None]
    is_whole = ~(series.is_part[:, None] | is_step)
    threshold = np.where(is_whole, params.threshold, params.part_threshold)
    is_out = (judged <= -threshold) & _survives(p_values, params.fdr)
    costly = np.where(both, np.abs(impact), -impact) >= params.min_impact_rate * _company_gmv(
        series, expected
    )
    status = np.select(
        [series.incomplete & ~too_few, closed, np.isnan(score), is_out & costly],
        ["data_incomplete", "normal", "no_baseline", "anomaly"],
        "normal",
    )
    reach = np.where(closed, 0.0, threshold * scale)
    matrices = {
        "observed": np.where(too_few, np.nan, series.observed),
        "expected": expected,
        "lower": expected * np.exp(-reach),
        "upper": np.minimum(expected * np.exp(reach), _most(series)),
        "score": score,
        "impact_amount": impact,
    }
    return _rows(series, matrices).with_columns(pl.Series("status", status.ravel()))


def _within_whole(series: Cells, expected: Floats) -> Floats:
    """Expectations of parts held to that of their platform, and of conversion to all visitors."""
    is_amount = series.keys["metric"].is_in(["gmv", "visitors", "buyers"]).to_numpy()
    has_whole = (is_amount & series.is_part & (series.parent_row >= 0))[:, None]
    whole = expected[series.parent_row]
    held = np.where(has_whole & (whole < expected), whole, expected)
    return np.asarray(np.minimum(held, _most(series)))


def _most(series: Cells) -> Floats:
    """The most a value can be, series x 1: of a rate that is a part of something 1."""
    is_amount = series.keys["metric"].is_in(sorted(set(FEEDS_OF_METRIC) - {"conversion_rate"}))
    return np.where(is_amount.to_numpy(), np.inf, 1.0)[:, None]


def _trends(series: Cells, values: Floats, base: Baseline, ordinary: Flags) -> pl.DataFrame:
    """Slow declines of platforms, as metrics of their own: the level of late and that of before."""
    of_whole = pl.col("dimension") == "platform"
    picked = series.keys.with_row_index("row").filter(pl.col("metric").is_in(TRENDS), of_whole)
    rows = picked["row"].to_numpy()
    own = Baseline(*(matrix[rows] for matrix in (base.mean, base.scale, base.known, base.pattern)))
    found = declines(values[rows], own, ordinary[rows])
    recent, reference = np.exp(found.recent), np.exp(found.reference)
    gmv = np.exp(base.mean[series.gmv_row[rows]]) * reference / recent  # as if it had not fallen
    impact = gmv * (recent / reference - 1) * series.tracked[rows]
    keys = picked.drop("row").with_columns(metric=pl.col("metric") + "_trend")
    matrices = {
        "observed": np.where(np.isfinite(reference) & ordinary[rows], recent, np.nan),
        "expected": reference,
        "lower": np.full(recent.shape, np.nan), "upper": np.full(recent.shape, np.nan),
        "score": -found.total, "impact_amount": impact,
    }  # fmt: skip
    status = np.where(found.is_told, "anomaly", "normal")
    return _rows(replace(series, keys=keys), matrices).with_columns(
        pl.Series("status", status.ravel())
    )


def _company_gmv(series: Cells, expected: Floats) -> Floats:
    """The company's daily GMV the floor of impact is a share of: expected, else observed."""
    if series.company is None:
        return np.zeros(len(series.dates))
    observed = np.nan_to_num(series.observed[series.company], nan=0.0)
    own = expected[series.company]
    return np.asarray(np.where(np.isfinite(own), own, observed))


def _rows(series: Cells, matrices: dict[str, Floats]) -> pl.DataFrame:
    """Matrices (series x days) to one row a cell."""
    days = len(series.dates)
    return series.keys.select(pl.all().repeat_by(days).explode()).with_columns(
        pl.Series("business_date", series.dates * len(series.keys), dtype=pl.Date),
        *(pl.Series(name, values.ravel()).fill_nan(None) for name, values in matrices.items()),
    )
