"""Daily KPIs as matrices: one row a series, one column a day.

Belongs here: the long form every judged series is given in, and how it becomes a matrix. What the
figures of a series are is in `kpi_series.py`, how they are judged in `anomaly.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from models.baseline import Flags, Floats, Ints

METRICS = ("gmv", "visitors", "conversion_rate", "buyers", "orders_per_buyer", "aov")
"""Metrics read from the columns of `fct_gmv_daily`; buyers only where visitors are unknown."""

_SALES = frozenset({"orders", "order_items"})
_TRAFFIC = frozenset({"events", "traffic_daily"})
FEEDS_OF_METRIC: dict[str, frozenset[str]] = {
    "gmv": _SALES,
    "visitors": _TRAFFIC,
    "conversion_rate": _SALES | _TRAFFIC,
    "buyers": _SALES,
    "orders_per_buyer": _SALES,
    "aov": _SALES,
    "gmv_per_unit": _SALES,
    "orders_3_days": _SALES,
    "orders_7_days": _SALES,
    "orders_1_hour": _SALES,
    "orders_3_hours": _SALES,
    "price_share": _SALES,
    "unpaid_orders": _SALES,
    "refunds_3_days": _SALES | {"refunds"},
    "late_parcels_3_days": frozenset({"shipments"}),
    "quality_refunds_7_days": _SALES | {"refunds"},
    "bad_reviews_7_days": frozenset({"reviews"}),
    "refund_rate": _SALES | {"refunds"},
}
"""What a metric is fed by; any other metric is a step of the funnel, fed by events."""

SERIES_SCHEMA: dict[str, type[pl.DataType]] = {
    "business_date": pl.Date,
    "metric": pl.String,
    "dimension": pl.String,
    "segment": pl.String,
    "platform": pl.String,
    "value": pl.Float64,
    "count": pl.Float64,
    "base": pl.Float64,
}
"""Long form of the series: value of the KPI; count, how many orders (successes, refunds) it rests
on, null if that does not bound its scatter; base, what a rate is a rate of (visitors, attempts at
the step before, buyers, units of a price, for refunds money). platform is null for the company."""

KEYS = ["metric", "dimension", "segment", "platform"]
_SHARE_DAYS = 28
_COUNTED = ("gmv", "conversion_rate", "buyers")  # scatter like the number of orders behind them


@dataclass(frozen=True)
class Cells:
    """The series as matrices.

    Attributes:
        keys: one row a series: metric, dimension, segment, platform (null for the company).
        dates: the days.
        observed: series x days, NaN where unknown.
        counts: series x days, NaN where unknown.
        bases: series x days, what a rate is a rate of; NaN but for rates.
        is_part: series, true for a segment within a platform.
        incomplete: series x days, true where a feed of the metric is missing or unfinished.
        gmv_row: row of the GMV of the same place, -1 if it has none.
        parent_row: row of the same metric of the whole platform, -1 if there is none.
        company: row of the company's GMV.
        tracked: series x days, part of the GMV that traffic can explain.
    """

    keys: pl.DataFrame
    dates: list[date]
    observed: Floats
    counts: Floats
    bases: Floats
    is_part: Flags
    incomplete: Flags
    gmv_row: Ints
    parent_row: Ints
    company: int | None
    tracked: Floats


def long_series(daily: pl.DataFrame) -> pl.DataFrame:
    """Rows of `fct_gmv_daily` (or of one platform's cells) in the long form.

    Args:
        daily: business_date, dimension, segment and the columns of `METRICS`; platform where a
            segment is one of a platform's; orders where known.

    Returns:
        Frame of `SERIES_SCHEMA`. A segment without a row after its first sold nothing: GMV 0, but
        on a day whose data are not whole, of which nothing is known.
    """
    if "platform" not in daily.columns:
        own = pl.when(pl.col("dimension") == "platform").then("segment")
        daily = daily.with_columns(platform=own)
    place = ["dimension", "segment", "platform"]
    known = pl.col("orders") if "orders" in daily.columns else pl.lit(None, pl.Float64)
    has_visitors = (pl.col("visitors").fill_null(0) > 0).any().over(place)
    metrics = [metric for metric in METRICS if metric in daily.columns]
    rows = daily.with_columns(
        count=known.cast(pl.Float64),
        base=pl.col("visitors").cast(pl.Float64),
        own_buyers=pl.col("buyers").cast(pl.Float64),
        has_visitors=has_visitors,
    ).unpivot(
        metrics,
        index=["business_date", *place, "count", "base", "own_buyers", "has_visitors"],
        variable_name="metric",
        value_name="value",
    )
    return (
        rows.filter(~((pl.col("metric") == "buyers") & pl.col("has_visitors")))
        .with_columns(
            count=pl.when(pl.col("metric") == "visitors")
            .then("value")
            .when(pl.col("metric").is_in(_COUNTED))
            .then("count"),
            base=pl.when(pl.col("metric") == "conversion_rate")
            .then("base")
            .when(pl.col("metric") == "orders_per_buyer")
            .then("own_buyers"),
        )
        .select(pl.col(name).cast(kind) for name, kind in SERIES_SCHEMA.items())
    )


def cells(series: pl.DataFrame, daily: pl.DataFrame, completeness: pl.DataFrame) -> Cells:
    """Arrange long series as matrices.

    Args:
        series: frame of `SERIES_SCHEMA`; series that are zero or unknown throughout are left out.
        daily: the rows of `fct_gmv_daily` of company and platforms, for the tracked share.
        completeness: `quality.source_completeness_daily`.
    """
    first, last = daily["business_date"].min(), daily["business_date"].max()
    assert isinstance(first, date) and isinstance(last, date)
    dates = pl.date_range(first, last, eager=True)
    keys = (
        series.group_by(KEYS)
        .agg(total=pl.col("value").sum())
        .filter(pl.col("total") > 0)
        .select(KEYS)
        .sort("dimension", "segment", "platform", "metric")
        .with_row_index("row")
    )
    placed = series.join(keys, on=KEYS, nulls_equal=True).with_columns(
        day=(pl.col("business_date") - first).dt.total_days()
    )
    shape = (len(keys), len(dates))
    observed, counts, bases = (
        _scatter(placed, column, shape) for column in ("value", "count", "base")
    )
    is_gmv = (keys["metric"] == "gmv").to_numpy()
    born = np.maximum.accumulate(np.isfinite(observed), axis=1)
    unknown = incomplete(keys, dates, completeness)
    quiet = is_gmv[:, None] & born & np.isnan(observed) & ~unknown
    observed = np.where(quiet, 0.0, observed)
    company = keys.filter(pl.col("metric") == "gmv", pl.col("dimension") == "all")["row"]
    return Cells(
        keys=keys.drop("row"),
        dates=dates.to_list(),
        observed=observed,
        counts=counts,
        bases=bases,
        is_part=(~keys["dimension"].is_in(["all", "platform"])).to_numpy(),
        incomplete=unknown,
        gmv_row=_row_of(keys, pl.lit("gmv"), pl.col("dimension"), pl.col("segment")),
        parent_row=_row_of(keys, pl.col("metric"), pl.lit("platform"), pl.col("platform")),
        company=int(company[0]) if len(company) else None,
        tracked=_tracked_share(keys, daily, first, shape),
    )


def _scatter(placed: pl.DataFrame, column: str, shape: tuple[int, int]) -> Floats:
    matrix = np.full(shape, np.nan)
    matrix[placed["row"].to_numpy(), placed["day"].to_numpy()] = placed[column].to_numpy()
    return matrix


def _row_of(keys: pl.DataFrame, metric: pl.Expr, dimension: pl.Expr, segment: pl.Expr) -> Ints:
    """Row of the series with this metric at this place (of the same platform), else -1."""
    wanted = keys.select(metric=metric, dimension=dimension, segment=segment, platform="platform")
    found = wanted.join(keys, on=KEYS, how="left", nulls_equal=True, maintain_order="left")
    return np.asarray(found["row"].cast(pl.Int64).fill_null(-1).to_numpy())


def incomplete(keys: pl.DataFrame, dates: pl.Series, completeness: pl.DataFrame) -> Flags:
    """Where a feed of the metric is missing or unfinished; the company needs every platform."""
    gaps = completeness.filter(
        ~pl.col("is_complete") & (pl.col("reason") != "not_expected")
    ).select("business_date", "feed", "platform")
    days = np.asarray(dates.to_numpy())
    flags = np.zeros((len(keys), len(dates)), dtype=np.bool_)
    # What an order's channel, device and region are is often known from its session only.
    by_session = pl.when(pl.col("dimension").is_in(["channel", "device", "region"]))
    alike = keys.with_columns(
        feeds=pl.col("metric").replace_strict(
            {name: ",".join(sorted(feeds)) for name, feeds in FEEDS_OF_METRIC.items()},
            default="events",
        )
        + by_session.then(pl.lit(",events")).otherwise(pl.lit(""))
    ).group_by("feeds", "platform")
    for (feeds, platform), rows in alike:
        feeding = pl.col("feed").is_in(str(feeds).split(","))
        mine = pl.lit(True) if platform is None else pl.col("platform") == platform
        bad = np.isin(days, gaps.filter(feeding & mine)["business_date"].to_numpy())
        flags[rows["row"].to_numpy()] = bad
    return flags


def _tracked_share(
    keys: pl.DataFrame, daily: pl.DataFrame, first: date, shape: tuple[int, int]
) -> Floats:
    """Share of buyers with known traffic over the 28 days before, of company or platform; else 1.

    It bounds what visitors, conversion and steps of the funnel can move.
    """
    shares = np.ones(shape)
    if "tracked_buyers" not in daily.columns:
        return shares
    of_sales = pl.col("metric").is_in(sorted(set(FEEDS_OF_METRIC) - {"visitors"}))
    tracked = keys.filter(~of_sales | (pl.col("metric") == "conversion_rate"))
    for (platform,), rows in tracked.group_by("platform"):
        own = pl.col("dimension") == "all" if platform is None else pl.col("segment") == platform
        place = daily.filter(own).sort("business_date")
        day = (place["business_date"] - first).dt.total_days().to_numpy()
        sums = np.zeros((2, shape[1]))
        sums[:, day] = place.select("tracked_buyers", "buyers").fill_null(0).to_numpy().T
        until = np.cumsum(np.pad(sums, ((0, 0), (_SHARE_DAYS + 1, 0))), axis=1)
        window = until[:, _SHARE_DAYS:-1] - until[:, : shape[1]]
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(window[1] > 0, window[0] / window[1], 1.0)
        shares[rows["row"].to_numpy()] = share
    return shares
