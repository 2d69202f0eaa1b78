"""What to order, and when: safety stock, reorder points and how long the stock will last.

Belongs here: sums of one product in one warehouse. Does not belong here: what will be asked for
(`models.demand`), what is in stock and how long suppliers take (SQL), words.

A product is ordered when what is there and on its way no longer lasts, with the chance asked for,
until an order of today would have come; ordered is what is missing to cover the days of an order
beyond that. Source of the safety stock: Eppen and Martin, Management Science 34 (1988).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.baseline import Flags, Floats

__all__ = [
    "REORDER_SCHEMA",
    "ReorderParams",
    "lead_times",
    "reorder_plan",
    "safety_stock",
]

REORDER_SCHEMA: dict[str, type[pl.DataType]] = {
    "made_on": pl.Date,
    "source": pl.String,
    "product_id": pl.String,
    "product_key": pl.String,
    "product_name": pl.String,
    "warehouse": pl.String,
    "supplier_id": pl.String,
    "on_hand": pl.Float64,
    "on_order": pl.Float64,
    "daily_units": pl.Float64,
    "days_of_stock": pl.Float64,
    "runout_date": pl.Date,
    "earliest_runout_date": pl.Date,
    "latest_runout_date": pl.Date,
    "lead_days": pl.Float64,
    "lead_sd_days": pl.Float64,
    "service_level": pl.Float64,
    "safety_stock_units": pl.Float64,
    "reorder_point_units": pl.Float64,
    "target_units": pl.Float64,
    "suggested_units": pl.Float64,
    "suggested_amount": pl.Float64,
    "order_by_date": pl.Date,
    "reason": pl.String,
}
"""Columns of `reorder_plan`, one row per product and warehouse."""


@dataclass(frozen=True)
class ReorderParams:
    """How sure, and how often.

    Attributes:
        service_level: chance that stock lasts from an order until it comes.
        review_days: days between two looks at the stock.
        cover_days: days that an order shall last.
        too_much_days: stock for more days than these is too much.
        farthest_days: a date farther away is not told.
        least_orders: received orders from which a lead time is known.
        level: of the range of the day the stock runs out.
    """

    service_level: float = 0.95
    review_days: int = 1
    cover_days: int = 28
    too_much_days: int = 180
    farthest_days: int = 365
    least_orders: int = 3
    level: float = 0.90


def safety_stock(
    daily: Floats, daily_sd: Floats, lead: Floats, lead_sd: Floats, service: float
) -> Floats:
    """Pieces beyond the demand expected until an order comes.

    Args:
        daily: pieces asked for a day.
        daily_sd: standard deviation of a day's pieces; days do not hang together.
        lead: mean days until an order comes.
        lead_sd: their standard deviation.
        service: chance that the stock lasts.
    """
    from scipy.special import ndtri

    scatter = np.sqrt(lead * daily_sd**2 + daily**2 * lead_sd**2)
    return np.asarray(float(ndtri(service)) * scatter)


def lead_times(purchases: pl.DataFrame, params: ReorderParams | None = None) -> pl.DataFrame:
    """Days that suppliers take.

    Args:
        purchases: supplier_id, po_id, lead_days (whole days; NULL where it has not come), one row
            per line; an order that comes at once is one order.
        params: how many orders make a lead time known.

    Returns:
        supplier_id, lead_days, lead_sd_days, of suppliers with enough received orders.
    """
    params = params or ReorderParams()
    orders = purchases.drop_nulls(["supplier_id", "lead_days"]).unique(
        ["supplier_id", "po_id", "lead_days"]
    )
    return (
        orders.group_by("supplier_id")
        .agg(
            lead_days=pl.col("lead_days").mean(), lead_sd_days=pl.col("lead_days").std(),
            known=pl.len(),
        )
        .filter(pl.col("known") >= params.least_orders)
        .select("supplier_id", "lead_days", "lead_sd_days")
        .sort("supplier_id")
    )  # fmt: skip


def reorder_plan(
    stock: pl.DataFrame,
    demand: pl.DataFrame,
    leads: pl.DataFrame,
    params: ReorderParams | None = None,
) -> pl.DataFrame:
    """Say of each product in each warehouse how long it lasts and what to order.

    Args:
        stock: series, made_on, source, product_id, product_key, product_name, warehouse,
            supplier_id, on_hand, on_order, unit_cost; NULL where not known. What is on order and
            not known is taken to be nothing.
        demand: `models.demand.DEMAND_SCHEMA` of these series, of at least one horizon.
        leads: as `lead_times` gives them.
        params: how sure, and how often.

    Returns:
        `REORDER_SCHEMA`. reason is stock_unknown, demand_unknown, lead_time_unknown (nothing is
        suggested), no_demand, stock_out or below_reorder_point (something is suggested, unless
        enough is on its way), too_much or enough. order_by_date is the day on which the reorder
        point is expected to be reached.
    """
    params = params or ReorderParams()
    rows = stock.join(_scattering(demand), on="series", how="left").join(
        leads, on="supplier_id", how="left"
    )
    if rows.is_empty():
        return pl.DataFrame(schema=REORDER_SCHEMA)
    on_hand, on_order, daily, dispersion, drift, lead, lead_sd, cost = (
        rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        for name in ("on_hand", "on_order", "daily", "dispersion", "drift", "lead_days",
                     "lead_sd_days", "unit_cost")
    )  # fmt: skip
    lead = lead + params.review_days
    # a day's scatter that gives that of the forecast over the time to be covered
    daily_sd = np.sqrt((dispersion + drift * lead) * daily)
    safety = safety_stock(daily, daily_sd, lead, np.nan_to_num(lead_sd), params.service_level)
    point = np.ceil(daily * lead + safety)
    target = np.ceil(point + daily * params.cover_days)
    position = np.maximum(on_hand, 0) + np.nan_to_num(on_order)
    with np.errstate(divide="ignore", invalid="ignore"):
        lasting = np.where(daily > 0, np.maximum(on_hand, 0) / daily, np.nan)
        left = np.where(daily > 0, (position - point) / daily, np.nan)
    low = position <= point
    wanted = np.where(low & (daily > 0), np.maximum(target - position, 0), 0.0)
    wanted = np.where(np.isnan(on_hand + point), np.nan, wanted)
    earliest, latest = _runout(np.maximum(on_hand, 0), daily, dispersion, drift, params)
    dates = {"runout_date": lasting, "earliest_runout_date": earliest,
             "latest_runout_date": latest, "order_by_date": np.maximum(left, 0)}  # fmt: skip
    units = {"daily_units": daily, "days_of_stock": lasting, "safety_stock_units": safety,
             "reorder_point_units": point, "target_units": target, "suggested_units": wanted,
             "suggested_amount": wanted * cost}  # fmt: skip
    return (
        rows.with_columns(
            **{name: pl.Series(values) for name, values in units.items()},
            **{name: _after("made_on", values, params) for name, values in dates.items()},
            service_level=pl.lit(params.service_level),
            reason=_reason(on_hand, daily, point, low, lasting, params),
        )
        .select(pl.col(name).cast(kind) for name, kind in REORDER_SCHEMA.items())
        .with_columns(pl.col(pl.Float64).fill_nan(None))
        .sort("product_key", "warehouse")
    )


def _scattering(demand: pl.DataFrame) -> pl.DataFrame:
    """Daily pieces of each product, and how their sum over t days scatters.

    The days' own scatter grows with t, the error of the mean with its square: the variance over the
    mean is dispersion + drift x t. Two horizons tell both; the mean is that of the longest.
    """
    mean, days = pl.col("expected_units"), pl.col("horizon_days")
    own = pl.col("count_dispersion") + pl.col("relative_error") ** 2 * mean
    of_days = demand.with_columns(own=own.fill_null(1.0)).sort("horizon_days")
    drift = (pl.col("own").last() - pl.col("own").first()) / (days.last() - days.first())
    return (
        of_days.group_by("series", maintain_order=True)
        .agg(
            daily=(mean / days).last(), shortest=days.first(), own=pl.col("own").first(),
            drift=pl.when(days.first() < days.last()).then(drift).otherwise(0.0).clip(0.0),
        )
        .with_columns(
            dispersion=(pl.col("own") - pl.col("drift") * pl.col("shortest")).clip(1.0)
        )
    )  # fmt: skip


def _reason(  # noqa: PLR0913, PLR0917 - arrays of the same products
    on_hand: Floats, daily: Floats, point: Floats, low: Flags, lasting: Floats,
    params: ReorderParams,
) -> pl.Series:  # fmt: skip
    conditions = {
        "stock_unknown": np.isnan(on_hand),
        "demand_unknown": np.isnan(daily),
        "no_demand": daily <= 0,
        "stock_out": on_hand <= 0,
        "lead_time_unknown": np.isnan(point),
        "below_reorder_point": low,
        "too_much": lasting > params.too_much_days,
    }
    return pl.Series(np.select([*conditions.values()], [*conditions], "enough"))


def _runout(
    on_hand: Floats, daily: Floats, dispersion: Floats, drift: Floats, params: ReorderParams
) -> tuple[Floats, Floats]:
    """Days after which the stock is gone at the earliest and at the latest.

    After t days x = daily t +- z sqrt((dispersion + drift t) x) have come; solved for the stock.
    """
    from scipy.special import ndtri

    z = float(ndtri((1 + params.level) / 2))
    linear = 2 * on_hand + z**2 * dispersion
    with np.errstate(divide="ignore", invalid="ignore"):
        square = 1 - z**2 * drift / daily
        root = np.sqrt(linear**2 - 4 * square * on_hand**2)
        # the form of the roots that holds where square is 0
        first, last = 2 * on_hand**2 / (linear + root), (linear + root) / (2 * square)
        last = np.where(square > 0, last, np.inf)
        return first / daily, last / daily


def _after(column: str, days: Floats, params: ReorderParams) -> pl.Expr:
    """The day so many whole days after the column's; NULL where not known or too far away."""
    near = np.isfinite(days) & (days <= params.farthest_days)
    whole = pl.Series(np.where(near, np.floor(np.where(near, days, 0)), np.nan)).fill_nan(None)
    return pl.col(column) + pl.duration(days=pl.lit(whole.cast(pl.Int64)))
