"""What each product sold in a window, and in the one it is compared with.

Belongs here: sums of `fct_product_daily` and the names beside them. Does not belong here: charts.
"""

from __future__ import annotations

import polars as pl

from dashboards.base.data import Data, exact_sum
from dashboards.figures.windows import Window, base_of, window_until

DAYS = 7


def windows(data: Data, last: object) -> tuple[Window, Window | None]:
    """The last week of products and the one it is compared with."""
    first = data["marts.fct_product_daily"]["business_date"].min()
    now = window_until(last, DAYS, first)  # type: ignore[arg-type]
    return now, base_of(data, now, first)  # type: ignore[arg-type]


def sums(data: Data, window: Window) -> pl.DataFrame:
    """gmv, orders, units by product of a window."""
    return (
        data["marts.fct_product_daily"]
        .filter(window.filter())
        .group_by("product_key")
        .agg(exact_sum(name) for name in ("gmv", "orders", "units"))
    )


def moved(data: Data, now: Window, base: Window) -> pl.DataFrame:
    """Products with their gmv, base_gmv and change between two windows, greatest loss first.

    What sold in neither has no row; what sold in one sold nothing in the other. Where an amount of
    one is not known there is no change.
    """
    names = data["marts.dim_product"].select("product_key", "product_name", "source")
    rows = sums(data, now).join(
        sums(data, base).rename({"gmv": "base_gmv"}).select("product_key", "base_gmv"),
        on="product_key", how="full", coalesce=True,
    )  # fmt: skip
    sold_now = set(sums(data, now)["product_key"])
    sold_then = set(sums(data, base)["product_key"])
    return (
        rows.with_columns(
            gmv=pl.when(pl.col("product_key").is_in(sold_now)).then("gmv").otherwise(0.0),
            base_gmv=pl.when(pl.col("product_key").is_in(sold_then))
            .then("base_gmv").otherwise(0.0),
        )
        .with_columns(change=pl.col("gmv") - pl.col("base_gmv"))
        .join(names, on="product_key", how="left", maintain_order="left")
        .with_columns(pl.col("product_name").fill_null(pl.col("product_key")))
        .drop_nulls("change")
        .sort("change", "product_key")
    )  # fmt: skip
