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


@dataclass(frozen=True)
class Spend:
    """Sums of one channel and what they give. None where no row of the window knows the amount.

    Attributes:
        cost: advertising spend.
        revenue: GMV attributed to the channel (last visit that is not direct).
        orders: paid orders by their own channel.
        new_customers: first orders, by the first visit.
        claimed: conversions the advertising platform claims.
        roas: attributed GMV over spend; None without spend.
        cac: spend over new customers; None without spend or without new customers.
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
    spend_rate: float | None

    @property
    def over_claim(self) -> float | None:
        """Conversions claimed over own orders."""
        return ratio(self.claimed, self.orders) if self.claimed else None


def _spent(name: str, sums: Sums, metrics: Metrics) -> float | None:
    """A ratio of spend; None without spend."""
    return level(name, sums, metrics) if sums["cost"] else None


def channel_sums(data: Data, window: Window | None) -> pl.DataFrame:
    """One row a platform and channel with the sums of the window; NULL where nothing is known.

    Sources of traffic that a marketplace reports overlap and are left out.
    """
    frame = data["marts.fct_channel_daily"].filter(pl.col("is_additive").fill_null(value=True))
    chosen = frame.filter(window.filter()) if window else frame.clear()
    return (
        chosen.group_by("platform", "channel")
        .agg(exact_sum(name) for name in SUMMED)
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
        .agg(exact_sum(name) for name in SUMMED)
        .with_columns(pl.col("cost", "attributed_gmv").fill_null(0).name.prefix("_"))
        .sort("_cost", "_attributed_gmv", "channel", descending=[True, True, False])
        .with_columns(gmv=pl.lit(gmv, dtype=pl.Float64))
    )
    return {
        str(row["channel"]): Spend(
            *(row[name] for name in SUMMED),
            *(_spent(name, row, metrics) for name in ("roas", "cac", "spend_rate")),
        )
        for row in rows.to_dicts()
    }


@dataclass(frozen=True)
class Total:
    """Spend of a window against the whole GMV of the same days.

    Attributes:
        mer: GMV over spend, all channels together.
        spend_rate: spend over GMV.
        cac: spend over all new buyers, won by spend or not: blended.
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
        for frame, name in (
            (channel_sums(data, window), "cost"), (company, "gmv"), (company, "new_buyers"),
        )
    }  # fmt: skip
    return Total(
        sums["cost"],
        sums["gmv"],
        level("mer", sums, data.metrics),
        _spent("spend_rate", sums, data.metrics),
        ratio(sums["cost"], sums["new_buyers"]) if sums["cost"] else None,
    )
