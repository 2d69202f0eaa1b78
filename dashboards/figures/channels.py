"""Sums of the channels page by platform and channel; ratios as sums over sums.

Belongs here: arithmetic on `fct_channel_daily` and the window sums that the filter needs.
Does not belong here: charts, words.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from dashboards.base.data import Data, exact_sum
from dashboards.figures.ratios import Sums, level, ratio
from dashboards.figures.windows import Window
from dashboards.wording.metrics import Metrics

SUMMED = ("cost", "attributed_gmv", "orders", "new_customers", "claimed_conversions")
# The two sides of each ratio, of rows that know both: name -> (sum, other side).
BOTH = {
    "credited_cost": ("cost", "attributed_gmv"),
    "paid_gmv": ("attributed_gmv", "cost"),
    "paid_new_customers": ("new_customers", "cost"),
    "ordered_claims": ("claimed_conversions", "orders"),
    "claimed_orders": ("orders", "claimed_conversions"),
}


@dataclass(frozen=True)
class Spend:
    """Sums of one channel and what they give. None where no row of the window knows the amount.

    Attributes:
        cost: advertising spend.
        revenue: GMV attributed to the channel (last visit that is not direct).
        orders: paid orders by their own channel.
        new_customers: first orders, by the first visit.
        claimed: conversions the advertising platform claims.
        roas: attributed GMV over spend; None without spend. This and the next two are over rows
            that know both sides.
        cac: spend over new customers; None without spend or without new customers.
        over_claim: conversions claimed over own orders.
        spend_rate: spend over the whole GMV, so that the rates of channels add up; None without
            spend.
    """

    cost: float | None
    revenue: float | None
    orders: float | None
    new_customers: float | None
    claimed: float | None
    roas: float | None
    cac: float | None
    over_claim: float | None
    spend_rate: float | None


def _spent(name: str, sums: Sums, metrics: Metrics) -> float | None:
    """A ratio of spend; None without spend."""
    return level(name, sums, metrics) if sums["cost"] else None


def _additive(data: Data) -> pl.DataFrame:
    return data["marts.fct_channel_daily"].filter(pl.col("is_additive").fill_null(value=True))


def channel_sums(data: Data, window: Window | None) -> pl.DataFrame:
    """One row a platform and channel with `SUMMED` and `BOTH`; NULL where nothing is known.

    Sources of traffic that a marketplace reports overlap and are left out.
    """
    frame = _additive(data)
    chosen = frame.filter(window.filter()) if window else frame.clear()
    return (
        chosen.with_columns(
            pl.when(pl.col(other).is_not_null()).then(pl.col(own)).alias(name)
            for name, (own, other) in BOTH.items()
        )
        .group_by("platform", "channel")
        .agg(exact_sum(name) for name in (*SUMMED, *BOTH))
        .sort("platform", "channel")
    )


def by_channel(sums: pl.DataFrame, gmv: float | None, metrics: Metrics) -> dict[str, Spend]:
    """Channel -> its sums over platforms, most spent first, then by revenue.

    Args:
        sums: `channel_sums`.
        gmv: whole GMV of the same days.
        metrics: the registry.
    """
    rows = (
        sums.group_by("channel")
        .agg(exact_sum(name) for name in (*SUMMED, *BOTH))
        .with_columns(pl.col("cost", "attributed_gmv").fill_null(0).name.prefix("_"))
        .sort("_cost", "_attributed_gmv", "channel", descending=[True, True, False])
        .with_columns(gmv=pl.lit(gmv, dtype=pl.Float64))
    )
    return {
        str(row["channel"]): Spend(
            cost=row["cost"],
            revenue=row["attributed_gmv"],
            orders=row["orders"],
            new_customers=row["new_customers"],
            claimed=row["claimed_conversions"],
            roas=_spent("roas", _known_sides(row), metrics),
            cac=_spent("cac", _known_sides(row), metrics),
            over_claim=ratio(row["ordered_claims"] or None, row["claimed_orders"]),
            spend_rate=_spent("spend_rate", row, metrics),
        )
        for row in rows.to_dicts()
    }


def _known_sides(row: Sums) -> Sums:
    """Sums of a channel of which the ratios of attributed figures are made."""
    return {
        "cost": row["credited_cost"],
        "attributed_gmv": row["paid_gmv"],
        "new_customers": row["paid_new_customers"],
    }


def known_both(data: Data) -> pl.DataFrame:
    """One row a day and platform that knows its spend and its sales: cost, gmv, new_buyers.

    MER and blended CAC are sums over sums of these rows.
    """
    sides = _additive(data).group_by("business_date", "platform").agg(
        exact_sum(name) for name in ("cost", "gmv")
    )  # fmt: skip
    new = data["marts.fct_gmv_daily"].filter(pl.col("dimension") == "platform")
    return (
        sides.drop_nulls(["cost", "gmv"])
        .join(
            new.select("business_date", pl.col("segment").alias("platform"), "new_buyers"),
            on=["business_date", "platform"],
            how="left",
        )
        .sort("business_date", "platform")
    )


def platforms_of(data: Data, window: Window) -> tuple[list[str], list[str]]:
    """Platforms that MER and CAC of a window are over, and those they leave out."""
    every = _additive(data).filter(window.filter())["platform"].unique()
    known = known_both(data).filter(window.filter())["platform"].unique()
    return sorted(known), sorted(set(every) - set(known))


@dataclass(frozen=True)
class Total:
    """Spend of a window against the GMV of the same days.

    Attributes:
        mer: GMV over spend, all channels of the platforms and days that know both.
        spend_rate: spend over the whole GMV.
        cac: spend over all new buyers, won by spend or not: blended, like `mer` of what is known.
    """

    cost: float | None = None
    gmv: float | None = None
    mer: float | None = None
    spend_rate: float | None = None
    cac: float | None = None


def total(data: Data, window: Window | None) -> Total:
    """Totals of a window of the company."""
    if window is None:
        return Total()
    company = data["marts.fct_gmv_daily"].filter(window.filter(), pl.col("dimension") == "all")
    sums = {
        name: frame.select(exact_sum(name)).item()
        for frame, name in ((channel_sums(data, window), "cost"), (company, "gmv"))
    }
    known = known_both(data).filter(window.filter())
    both = {name: known.select(exact_sum(name)).item() for name in ("cost", "gmv", "new_buyers")}
    return Total(
        sums["cost"],
        sums["gmv"],
        level("mer", both, data.metrics),
        _spent("spend_rate", sums, data.metrics),
        ratio(both["cost"], both["new_buyers"]) if both["cost"] else None,
    )
