"""Sums of the channels page by platform and channel; ratios as sums over sums.

Belongs here: arithmetic on `fct_channel_daily` and the window sums that the filter needs.
Does not belong here: charts, words.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from dashboards.base.data import Data, exact_sum
from dashboards.figures.windows import Window

SUMMED = ("cost", "attributed_gmv", "orders", "new_customers", "claimed_conversions")


@dataclass(frozen=True)
class Spend:
    """Sums of one channel. None where no row of the window knows the amount.

    Attributes:
        cost: advertising spend.
        revenue: GMV attributed to the channel (last visit that is not direct).
        orders: paid orders by their own channel.
        new_customers: first orders, by the first visit.
        claimed: conversions the advertising platform claims.
    """

    cost: float | None = None
    revenue: float | None = None
    orders: float | None = None
    new_customers: float | None = None
    claimed: float | None = None

    @property
    def roas(self) -> float | None:
        """Attributed GMV over spend; None without spend."""
        return ratio(self.revenue, self.cost)

    @property
    def cac(self) -> float | None:
        """Spend over new customers; None without spend or without new customers."""
        return ratio(self.cost, self.new_customers) if self.cost else None

    @property
    def over_claim(self) -> float | None:
        """Conversions claimed over own orders."""
        return ratio(self.claimed, self.orders) if self.claimed else None

    def spend_rate(self, gmv: float | None) -> float | None:
        """Spend over the whole GMV, so that the rates of channels add up; None without spend."""
        return ratio(self.cost, gmv) if self.cost else None


def ratio(over: float | None, under: float | None) -> float | None:
    """A quotient, None where either side is unknown or nothing is below the line."""
    return over / under if over is not None and under else None


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


def by_channel(sums: pl.DataFrame) -> dict[str, Spend]:
    """Channel -> its sums over platforms, most spent first, then by revenue."""
    rows = (
        sums.group_by("channel")
        .agg(exact_sum(name) for name in SUMMED)
        .with_columns(pl.col("cost", "attributed_gmv").fill_null(0).name.prefix("_"))
        .sort("_cost", "_attributed_gmv", "channel", descending=[True, True, False])
    )
    return {str(row["channel"]): Spend(*(row[name] for name in SUMMED)) for row in rows.to_dicts()}


@dataclass(frozen=True)
class Total:
    """Spend of a window against the whole GMV and all new buyers of the same days."""

    cost: float | None
    gmv: float | None
    new_buyers: float | None

    @property
    def mer(self) -> float | None:
        """GMV over spend, all channels together."""
        return ratio(self.gmv, self.cost)

    @property
    def spend_rate(self) -> float | None:
        """Spend over GMV."""
        return ratio(self.cost, self.gmv) if self.cost else None

    @property
    def cac(self) -> float | None:
        """Spend over new buyers, paid or not: blended."""
        return ratio(self.cost, self.new_buyers) if self.cost else None


def total(data: Data, window: Window | None, platform: str | None = None) -> Total:
    """Totals of a window, of the company or of one platform."""
    if window is None:
        return Total(None, None, None)
    sums = channel_sums(data, window)
    if platform is not None:
        sums = sums.filter(pl.col("platform") == platform)
    rows = data["marts.fct_gmv_daily"].filter(
        window.filter(),
        pl.col("dimension") == ("all" if platform is None else "platform"),
        pl.col("segment") == (platform or "all"),
    )

    def known(frame: pl.DataFrame, name: str) -> float | None:
        value = frame.select(exact_sum(name)).item()
        return None if value is None else float(value)

    return Total(known(sums, "cost"), known(rows, "gmv"), known(rows, "new_buyers"))
