"""Products by what is left of them.

Belongs here: which products run out, which are stuck. Does not belong here: how long stock lasts.
"""

from __future__ import annotations

import polars as pl

from dashboards.base.data import Data

RUNS_OUT_DAYS = 7  # stock that lasts less is no longer filled up by an ordinary order
_BEST = "A"  # class of the products that bring most of the sales


def with_stock(data: Data) -> pl.DataFrame:
    """Products that sell and whose stock is told, a row a platform's product."""
    return data["marts.dim_product"].filter(
        pl.col("gmv").is_not_null(), pl.col("on_hand").is_not_null()
    )


def running_out(data: Data, days: int = RUNS_OUT_DAYS) -> pl.DataFrame:
    """Best sellers whose stock lasts less than `days`, the first to end on top.

    `days_of_stock` is NULL of what does not sell; with nothing on hand it is out all the same.
    """
    lasts = pl.when(pl.col("on_hand") <= 0).then(0.0).otherwise(pl.col("days_of_stock"))
    return (
        with_stock(data)
        .with_columns(lasts.alias("days_of_stock"))
        .filter(pl.col("abc_class") == _BEST, pl.col("days_of_stock") < days)
        .sort("days_of_stock", "gmv", "product_key", descending=[False, True, False])
    )
