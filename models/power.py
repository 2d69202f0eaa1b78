"""How large a fall must be to be told: what an alert that did not come says.

Belongs here: the smallest fall of each series that its detector would have told of.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from scipy import special

from models.anomaly import AMOUNT_SCATTER, BAD_WHEN_HIGH, DetectorParams
from models.count_series import TESTS

__all__ = ["POWER_SCHEMA", "visible_falls"]

POWER_SCHEMA: dict[str, type[pl.DataType]] = {
    "platform": pl.String,
    "dimension": pl.String,
    "segment": pl.String,
    "metric": pl.String,
    "days": pl.Int64,
    "expected": pl.Float64,
    "smallest_fall": pl.Float64,
}
"""smallest_fall is a part of what is expected, NULL where not even a fall to nothing is told; days,
how long it must last."""

_DAYS = 28
# An amount of n orders scatters like n / 1.5 equal ones, see `anomaly.py`.
_COUNTED: Mapping[str, float] = {"gmv": AMOUNT_SCATTER, "conversion_rate": 1.0, "buyers": 1.0}


def visible_falls(anomalies: pl.DataFrame, params: DetectorParams | None = None) -> pl.DataFrame:
    """The smallest fall that is told, of a usual one of the last 28 days.

    Args:
        anomalies: `insights.anomalies`.
        params: those of the detector.

    Returns:
        Frame of `POWER_SCHEMA`, of series whose fall is bad (the GMV of a product aside: its orders
        tell): the larger of what the scatter of its
        logarithm hides and, for sales, what the chance of its orders hides.
    """
    p = params or DetectorParams()
    last = anomalies["business_date"].max()
    place = ["platform", "dimension", "segment"]
    usual = (
        anomalies.filter(
            pl.col("business_date") > pl.lit(last) - pl.duration(days=_DAYS),
            pl.col("status").is_in(["normal", "anomaly"]),
            pl.col("lower").is_not_null(),
            pl.col("expected") > 0,
            ~pl.col("metric").str.ends_with("_trend"),
            ~pl.col("metric").is_in(["on_hand", "days_of_stock", *BAD_WHEN_HIGH]),
        )
        .group_by(*place, "metric")
        .agg(pl.col("expected").median(), scatter=(1 - _told() / pl.col("expected")).median())
    )
    sales = usual.filter(pl.col("metric").is_in(["gmv", "aov"])).pivot(
        "metric", index=place, values="expected"
    )
    known = [pl.lit(None, pl.Float64).alias(m) for m in ("gmv", "aov") if m not in sales.columns]
    orders = sales.with_columns(known).select(*place, orders=pl.col("gmv") / pl.col("aov"))
    rows = usual.join(orders, on=place, how="left", nulls_equal=True).with_columns(
        weight=pl.col("metric").replace_strict(_COUNTED, default=None),
        days=pl.col("metric").replace_strict({n: t.days for n, t in TESTS.items()}, default=1),
    )
    of_counts = pl.col("weight").is_null() | pl.col("orders").is_not_null()
    rows = rows.filter((pl.col("metric") != "gmv") | of_counts)
    count = (rows["orders"] / rows["weight"]).to_numpy()
    is_part = ~rows["dimension"].is_in(["all", "platform"]).to_numpy()
    chance = special.ndtr(-np.where(is_part, p.part_threshold, p.threshold))
    with np.errstate(invalid="ignore"):
        hidden = 1 - special.pdtrik(chance, count) / count
    blind = (count < -np.log(chance)) & np.isfinite(count)
    fall = np.where(blind, np.nan, np.fmax(rows["scatter"].to_numpy(), hidden))
    return (
        rows.with_columns(smallest_fall=pl.Series(np.where(fall > 1, np.nan, fall)).fill_nan(None))
        .select(pl.col(name).cast(kind) for name, kind in POWER_SCHEMA.items())
        .sort("platform", "dimension", "segment", "metric", nulls_last=False)
    )


def _told() -> pl.Expr:
    """The most that is told: of a count one less than the least inside; none is minus infinity."""
    most = pl.col("lower") - 1
    count = pl.when(most >= 0).then(most).otherwise(float("-inf"))
    return pl.when(pl.col("metric").is_in(sorted(TESTS))).then(count).otherwise("lower")
