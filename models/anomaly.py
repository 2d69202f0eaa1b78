"""Which days of which daily KPIs fell out of their expected range, in money and by platform.

Belongs here: completeness before judgement, scores, false discoveries, impact. The baseline is in
`baseline.py`, the calendar in `event_calendar.py`, episodes in `incidents.py`.

Method: METRICS.md 4 on the baseline of `baseline.one_step_ahead`. The impact of a driver is its
effect on GMV to first order: expected GMV x (observed / expected - 1), every other factor as
expected; for visitors and conversion only the share of GMV that tracked buyers carry.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from scipy import stats

from models.baseline import (
    Baseline,
    DetectorParams,
    Flags,
    Floats,
    Ints,
    one_step_ahead,
)
from models.event_calendar import event_calendar, event_keys

__all__ = ["ANOMALY_SCHEMA", "FEEDS_OF_METRIC", "DetectorParams", "detect", "event_calendar"]

METRICS = ("gmv", "visitors", "conversion_rate", "buyers", "orders_per_buyer", "aov")
"""Judged metrics; buyers only where visitors are unknown."""

_SALES = frozenset({"orders", "order_items"})
_TRAFFIC = frozenset({"events", "traffic_daily"})
FEEDS_OF_METRIC: dict[str, frozenset[str]] = {
    "gmv": _SALES,
    "visitors": _TRAFFIC,
    "conversion_rate": _SALES | _TRAFFIC,
    "buyers": _SALES,
    "orders_per_buyer": _SALES,
    "aov": _SALES,
}
"""What a metric is fed by: where one of these is incomplete, the metric is not judged."""

ANOMALY_SCHEMA: dict[str, type[pl.DataType]] = {
    "business_date": pl.Date,
    "metric": pl.String,
    "dimension": pl.String,
    "segment": pl.String,
    "observed": pl.Float64,
    "expected": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "score": pl.Float64,
    "impact_amount": pl.Float64,
    "status": pl.String,
}
"""Columns of `insights.anomalies`; one row per metric x segment x day."""

_NOTHING_LEFT = np.log(0.01)  # a day at zero counts as a fall by 99 %: its logarithm must be finite


def _platforms(daily: pl.DataFrame) -> list[str]:
    """Platforms by GMV, the largest first: the company follows its promotions."""
    sizes = daily.filter(pl.col("dimension") == "platform").group_by("segment")
    ranked = sizes.agg(pl.col("gmv").sum()).sort("gmv", "segment", descending=[True, False])
    return list(ranked["segment"])


@dataclass(frozen=True)
class _Cells:
    """The series as matrices: one row a (metric, dimension, segment), one column a day."""

    keys: list[tuple[str, str, str]]
    dates: list[date]
    observed: Floats
    incomplete: Flags
    gmv_row: Ints
    company: int | None


def _cells(daily: pl.DataFrame, completeness: pl.DataFrame) -> _Cells:
    first, last = daily["business_date"].min(), daily["business_date"].max()
    assert isinstance(first, date) and isinstance(last, date)
    dates = pl.date_range(first, last, eager=True)
    segments = daily.select("dimension", "segment").unique().sort("dimension", "segment").rows()
    keys, rows = [], []
    for dimension, segment in segments:
        own = daily.filter(pl.col("dimension") == dimension, pl.col("segment") == segment)
        wide = dates.to_frame("business_date").join(
            own, on="business_date", how="left", maintain_order="left"
        )
        # No row of a segment after its first: nothing sold, not unknown.
        sold = pl.when(pl.col("business_date") >= own["business_date"].min()).then(0)
        wide = wide.with_columns(gmv=pl.coalesce("gmv", sold))
        for metric in METRICS:
            values = wide[metric].cast(pl.Float64).to_numpy().copy()
            if metric == "buyers" and "visitors" in wide and (wide["visitors"] > 0).any():
                continue
            if np.nansum(values) > 0:
                keys.append((metric, str(dimension), str(segment)))
                rows.append(values)
    observed = np.array(rows).reshape(len(rows), len(dates))
    at = {key: row for row, key in enumerate(keys)}
    gmv_row = np.array([at.get(("gmv", d, s), -1) for _, d, s in keys], dtype=np.int64)
    incomplete = _incomplete(keys, dates, completeness)
    return _Cells(
        keys, dates.to_list(), observed, incomplete, gmv_row, at.get(("gmv", "all", "all"))
    )


def _incomplete(
    keys: list[tuple[str, str, str]], dates: pl.Series, completeness: pl.DataFrame
) -> Flags:
    """Where a feed of the metric is missing or unfinished; the company needs every platform."""
    gaps = completeness.filter(
        ~pl.col("is_complete") & (pl.col("reason") != "not_expected")
    ).select("business_date", "feed", "platform")
    days = np.asarray(dates.to_numpy())
    flags = np.zeros((len(keys), len(dates)), dtype=np.bool_)
    for row, (metric, dimension, segment) in enumerate(keys):
        feeding = pl.col("feed").is_in(sorted(FEEDS_OF_METRIC[metric]))
        mine = pl.lit(True) if dimension == "all" else pl.col("platform") == segment
        flags[row] = np.isin(days, gaps.filter(feeding & mine)["business_date"].to_numpy())
    return flags


def _closed(observed: Floats, params: DetectorParams) -> Flags:
    """Zero days whose weekday is mostly zero of late: the shop is closed, nothing was lost."""
    zero = observed == 0
    seen = np.zeros(observed.shape)
    for week in range(1, params.closed_weekday_weeks + 1):
        seen[:, 7 * week :] += zero[:, : -7 * week]
    return np.asarray(zero & (seen * 2 >= params.closed_weekday_weeks))


def _tracked_share(daily: pl.DataFrame, cells: _Cells) -> Floats:
    """Share of buyers with known traffic over the 28 days before, by series and day; else 1."""
    shares = np.ones(cells.observed.shape)
    if "tracked_buyers" not in daily.columns:
        return shares
    dates = pl.DataFrame({"business_date": cells.dates})
    for row, (metric, dimension, segment) in enumerate(cells.keys):
        if metric in ("visitors", "conversion_rate"):
            own = daily.filter(pl.col("dimension") == dimension, pl.col("segment") == segment)
            sums = dates.join(own, on="business_date", how="left", maintain_order="left").select(
                pl.col("tracked_buyers", "buyers")
                .fill_null(0)
                .shift(1)
                .rolling_sum(28, min_samples=1)
            )
            share = sums["tracked_buyers"] / sums["buyers"]
            shares[row] = share.fill_nan(1.0).fill_null(1.0).to_numpy()
    return shares


def _impact(cells: _Cells, expected: Floats, tracked: Floats) -> Floats:
    """Money lost (negative) or gained against the expectation, series x days."""
    own_gmv = np.where(
        (cells.gmv_row >= 0)[:, None], expected[np.maximum(cells.gmv_row, 0)], np.nan
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(expected > 0, cells.observed / expected - 1, 0.0)
    return np.asarray(own_gmv * relative * tracked)


def _survives(p_values: Floats, fdr: float) -> Flags:
    """Benjamini-Hochberg over the series of each day; NaN is a series not tested."""
    tested = np.isfinite(p_values).sum(axis=0)
    order = np.sort(np.where(np.isfinite(p_values), p_values, np.inf), axis=0)
    rank = np.arange(1, len(p_values) + 1)[:, None]
    passing = order <= fdr * rank / np.maximum(tested, 1)
    bound = np.max(np.where(passing, order, -np.inf), axis=0)
    return np.asarray(p_values <= bound)


def _score(cells: _Cells, base: Baseline, closed: Flags) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(
            cells.observed > 0,
            np.log(np.where(cells.observed > 0, cells.observed, 1.0)),
            np.where(cells.observed == 0, base.mean + _NOTHING_LEFT, np.nan),
        )
        score = (logs - base.mean) / base.scale
    return np.asarray(np.where(base.known & ~closed, score, np.nan))


def detect(  # noqa: PLR0913, PLR0917 - four tables in, and how to judge them
    daily: pl.DataFrame,
    dim_date: pl.DataFrame,
    dim_promo: pl.DataFrame,
    completeness: pl.DataFrame,
    params: DetectorParams | None = None,
    judge_from: date | None = None,
) -> pl.DataFrame:
    """Judge every day of every series from the days before it.

    Args:
        daily: rows of `fct_gmv_daily` of the dimensions `all` and `platform`: business_date,
            dimension, segment, gmv, visitors, conversion_rate, buyers, orders_per_buyer, aov, and
            tracked_buyers where known; unknown values null.
        dim_date: date, event, event_offset, lunar_new_year_offset (see `event_calendar`).
        dim_promo: promo, platform, phase, start_date, end_date.
        completeness: `quality.source_completeness_daily`: business_date, feed, platform,
            is_complete, reason at least.
        params: parameters; defaults of METRICS.md 4.
        judge_from: first date of the result; all history is used either way. None: all days.

    Returns:
        Frame of `ANOMALY_SCHEMA`. status is `normal`, `anomaly` (a fall below the range with an
        impact above the floor), `no_baseline` (too young, or an event never seen) or
        `data_incomplete`. lower and upper are the bounds at the alert threshold.
    """
    params = params or DetectorParams()
    if daily.is_empty():
        return pl.DataFrame(schema=ANOMALY_SCHEMA)
    cells = _cells(daily, completeness)
    weekdays = np.array([day.weekday() for day in cells.dates], dtype=np.int64)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.where(cells.observed > 0, np.log(cells.observed), np.nan)
    calendar = event_calendar(dim_date, dim_promo, _platforms(daily))
    events = event_keys(calendar, cells.dates, [segment for _, _, segment in cells.keys])
    base = one_step_ahead(values, weekdays, ~cells.incomplete, events, params)
    frame = _judge(cells, base, _tracked_share(daily, cells), params)
    judged_days = pl.lit(True) if judge_from is None else pl.col("business_date") >= judge_from
    has_value = pl.col("observed").is_not_null() | (pl.col("status") == "data_incomplete")
    return (
        frame.filter(judged_days & has_value)
        .select(pl.col(name).cast(kind) for name, kind in ANOMALY_SCHEMA.items())
        .sort("business_date", "dimension", "segment", "metric")
    )


def _judge(cells: _Cells, base: Baseline, tracked: Floats, params: DetectorParams) -> pl.DataFrame:
    """Score, impact and status of every cell, one row a cell."""
    closed = _closed(cells.observed, params)
    score = _score(cells, base, closed)
    expected = np.where(closed, 0.0, np.where(base.known, np.exp(base.mean), np.nan))
    impact = _impact(cells, expected, tracked)
    judged = np.where(cells.incomplete, np.nan, score)
    # The scale is a MAD of 90 residuals, worth about 33 of a standard deviation (efficiency .37).
    p_values = stats.t.cdf(judged, df=0.37 * params.scale_days)
    fell = (judged <= -params.threshold) & _survives(p_values, params.fdr)
    costly = -impact >= params.min_impact_rate * _company_gmv(cells, expected)
    status = np.select(
        [cells.incomplete, closed, np.isnan(score), fell & costly],
        ["data_incomplete", "normal", "no_baseline", "anomaly"],
        "normal",
    )
    reach = np.where(closed, 0.0, params.threshold * base.scale)
    matrices = {
        "observed": cells.observed,
        "expected": expected,
        "lower": expected * np.exp(-reach),
        "upper": expected * np.exp(reach),
        "score": score,
        "impact_amount": impact,
    }
    return _rows(cells, matrices).with_columns(pl.Series("status", status.ravel()))


def _company_gmv(cells: _Cells, expected: Floats) -> Floats:
    """The company's daily GMV the floor of impact is a share of: expected, else observed."""
    if cells.company is None:
        return np.zeros(len(cells.dates))
    observed = np.nan_to_num(cells.observed[cells.company], nan=0.0)
    own = expected[cells.company]
    return np.asarray(np.where(np.isfinite(own), own, observed))


def _rows(cells: _Cells, matrices: dict[str, Floats]) -> pl.DataFrame:
    """Matrices (series x days) to one row a cell."""
    days = len(cells.dates)
    names = pl.DataFrame(cells.keys, schema=["metric", "dimension", "segment"], orient="row")
    return names.select(pl.all().repeat_by(days).explode()).with_columns(
        pl.Series("business_date", cells.dates * len(cells.keys), dtype=pl.Date),
        *(pl.Series(name, values.ravel()).fill_nan(None) for name, values in matrices.items()),
    )
