"""Closed hours of promotions: an hour that sold far less than its part of such a day.

Belongs here: what part of a day of a phase falls into each hour, and which hours fell short of it.
Does not belong here: days (`anomaly.py`), counts against days before (`counts.py`).

Method: the orders of a window of hours given those of the day's other hours are negative binomial
around their part of earlier days of the same platform and phase; where a phase is young its parts
are shrunk to those of all promotions of the platform. So how well a promotion goes is out of the
comparison, and only when it sold is in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import special

from models.anomaly import ANOMALY_SCHEMA
from models.baseline import Floats
from models.counts import lower_tail

__all__ = ["HourParams", "hour_rows"]

WINDOWS = {"orders_1_hour": 1, "orders_3_hours": 3}
"""Hours in a window, by the metric it is told as."""
_SALES = ["orders", "order_items"]
_DAY, _WINDOW = ["platform", "business_date"], ["platform", "phase", "hour"]


@dataclass(frozen=True)
class HourParams:
    """How hours are judged.

    Attributes:
        p_value: tail probability below which a window alerts.
        least_fall: part of what was expected that is left at most.
        least_orders: orders on earlier promotion days of the platform before any is judged.
        prior_orders: weight of the parts of all phases, in orders.
        drift: how far an hour's part wanders from day to day, relative standard deviation.
        min_impact_rate: share of the company's GMV of a day that a window must have cost.
    """

    p_value: float = 1e-6
    least_fall: float = 0.5
    least_orders: int = 300
    prior_orders: float = 200.0
    drift: float = 0.2
    min_impact_rate: float = 0.005


def hour_rows(
    hours: pl.DataFrame,
    promos: pl.DataFrame,
    completeness: pl.DataFrame,
    company_gmv: float,
    params: HourParams | None = None,
) -> pl.DataFrame:
    """Judge the hours of promotion days, each day from those before it.

    Args:
        hours: business_date, platform, hour (0 to 23 of the reporting zone), orders, gmv; an hour
            without a row had no order. Of the last day hours after the last with an order are not
            closed yet.
        promos: `dim_promo`: platform, phase, kind, start_date, end_date.
        completeness: `quality.source_completeness_daily`; days that are not whole are left out.
        company_gmv: a usual day of the company, which the floor of impact is a share of.
        params: how.

    Returns:
        Rows of `ANOMALY_SCHEMA` of the metrics of `WINDOWS`, dimension `hour`, the window as
        segment; upper is null.
    """
    p = params or HourParams()
    grid = _grid(hours, promos, completeness)
    if grid.is_empty():
        return pl.DataFrame(schema=ANOMALY_SCHEMA)
    judged = [_judged(_windows(grid, n, p), name, n, p, company_gmv) for name, n in WINDOWS.items()]
    return pl.concat(judged)


def _grid(hours: pl.DataFrame, promos: pl.DataFrame, completeness: pl.DataFrame) -> pl.DataFrame:
    """Every closed hour of every whole day of a promotion that sold; of two phases the later."""
    phases = (
        promos.filter(pl.col("kind") == "sale")
        .with_columns(business_date=pl.date_ranges("start_date", "end_date"))
        .explode("business_date")
        .sort("start_date", "phase")
        .unique(_DAY, keep="last")
        .select(*_DAY, "phase")
    )
    gaps = completeness.filter(
        ~pl.col("is_complete"), pl.col("reason") != "not_expected", pl.col("feed").is_in(_SALES)
    ).select(*_DAY)
    sold = hours.filter(pl.col("orders") > 0)
    ends = sold.group_by("platform").agg(
        business_date=pl.col("business_date").max(),
        until=pl.col("hour").sort_by("business_date", "hour").last(),
    )
    days = sold.select(*_DAY).unique().join(phases, on=_DAY).join(gaps, on=_DAY, how="anti")
    return (
        days.join(pl.DataFrame({"hour": range(24)}), how="cross")
        .join(ends, on=_DAY, how="left")
        .filter(pl.col("hour") <= pl.col("until").fill_null(23))
        .join(sold.with_columns(pl.col("hour").cast(pl.Int64)), on=[*_DAY, "hour"], how="left")
        .with_columns(pl.col("orders", "gmv").cast(pl.Float64).fill_null(0.0))
        .sort(*_DAY, "hour")
    )


def _windows(grid: pl.DataFrame, hours: int, p: HourParams) -> pl.DataFrame:
    """Orders of each window and day, and what earlier days say of its part of a day."""
    day = pl.col("orders").sum().over(_DAY)
    sold = grid.with_columns(
        seen=pl.col("orders").rolling_sum(hours).over(_DAY), day=day,
        worth=pl.col("gmv").sum().over(_DAY) / day,
    ).drop_nulls("seen")  # fmt: skip
    same_hour = ["platform", "hour"]
    sums = sold.with_columns(
        own=_before("seen", _WINDOW), of=_before("day", _WINDOW),
        all_own=_before("seen", same_hour), all_of=_before("day", same_hour),
    ).filter(pl.col("all_of") >= p.least_orders)  # fmt: skip
    usual = pl.col("all_own") / pl.col("all_of")
    weight = p.prior_orders / (p.prior_orders + pl.col("of"))
    own = pl.when(pl.col("of") > 0).then(pl.col("own") / pl.col("of")).otherwise(usual)
    # A window says as much as the orders of its own phase, and those that stand for them.
    return sums.with_columns(
        part=weight * usual + (1 - weight) * own,
        known=pl.col("own") + pl.min_horizontal(p.prior_orders * usual, "all_own") + 0.5,
    )


def _before(name: str, by: list[str]) -> pl.Expr:
    """Sum over earlier days."""
    return (pl.col(name).cum_sum() - pl.col(name)).over(by)


def _judged(
    windows: pl.DataFrame, metric: str, hours: int, p: HourParams, company_gmv: float
) -> pl.DataFrame:
    others = pl.col("day") - pl.col("seen")
    told = windows.filter(others > 0).with_columns(
        expected=others * pl.col("part") / (1 - pl.col("part")),
        size=1 / (1 / pl.col("known") + 1 / others + p.drift**2),
    )
    seen, size, mean = (told[name].to_numpy() for name in ("seen", "size", "expected"))
    gap = pl.col("seen") - pl.col("expected")
    is_out = (
        (pl.col("tail") <= p.p_value)
        & (pl.col("seen") <= p.least_fall * pl.col("expected"))
        & (-gap * pl.col("worth") >= p.min_impact_rate * company_gmv)
    )
    tail = lower_tail(seen, size, mean)
    named = told.with_columns(
        tail=pl.Series(tail),
        metric=pl.lit(metric),
        dimension=pl.lit("hour"),
        segment=pl.format(
            "{}:00-{}:00",
            (pl.col("hour") - hours + 1).cast(pl.String).str.zfill(2),
            (pl.col("hour") + 1).cast(pl.String).str.zfill(2),
        ),
        observed="seen",
        lower=pl.Series(_bound(size, mean, p)),
        upper=pl.lit(None, pl.Float64),
        impact_amount=gap * pl.col("worth"),
        score=pl.Series(special.ndtri(np.clip(tail, 1e-300, 1.0))),
    ).with_columns(
        status=pl.when(is_out).then(pl.lit("anomaly")).otherwise(pl.lit("normal")),
    )
    return named.select(pl.col(name).cast(kind) for name, kind in ANOMALY_SCHEMA.items())


def _bound(size: Floats, mean: Floats, p: HourParams) -> Floats:
    """The fewest orders that are not told."""
    bound = special.nbdtrik(p.p_value, size, size / (size + mean))
    told = np.floor(np.minimum(np.nan_to_num(bound, nan=0.0), p.least_fall * mean))
    return np.asarray(
        np.where(lower_tail(np.zeros_like(mean), size, mean) <= p.p_value, told + 1, 0.0)
    )
