"""What is counted and judged by exact tails: orders of parts, refunds, unpaid orders, parcels.

Belongs here: hits and exposure of each kind, and how each kind is judged. The test itself is in
`counts.py`. Everything is within one platform.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from models.counts import COUNT_SCHEMA, CountTest
from models.kpi_series import lag_weights, top_segments_of

__all__ = ["TESTS", "last_steps", "part_orders", "product_refunds", "shares"]

TESTS = {
    "orders_3_days": CountTest("orders_3_days", 3, False, 1e-4, 0.5),
    "orders_7_days": CountTest("orders_7_days", 7, False, 3e-5, 0.5),
    "refunds_3_days": CountTest(
        "refunds_3_days", 3, True, 3e-4, 2.0, prior_hits=3.0, drift=0.3, from_first=False
    ),
    "quality_refunds_7_days": CountTest(
        "quality_refunds_7_days", 7, True, 1e-5, 2.0, prior_hits=3.0, drift=0.3, from_first=False
    ),
    "last_step_3_days": CountTest(
        "last_step_3_days", 3, False, 2e-3, 0.35, prior_hits=20.0, is_share=True
    ),
    "unpaid_orders": CountTest(
        "unpaid_orders", 1, True, 1e-4, 2.0, prior_hits=1.0, drift=0.3, from_first=False
    ),
    "late_parcels_3_days": CountTest(
        "late_parcels_3_days", 3, True, 1e-6, 2.0, prior_hits=1.0, drift=0.3, from_first=False
    ),
    "bad_reviews_7_days": CountTest(
        "bad_reviews_7_days", 7, True, 1e-5, 2.0, prior_hits=1.0, drift=0.3, from_first=False
    ),
}
"""Thresholds were chosen on simulated shops that no published score uses; benchmarks/RESULTS.md
says which."""

_PLACE = ["platform", "dimension", "segment"]
_LEAST_SHARE, _MOST_PARTS = 0.002, 200  # of a platform's GMV; parts of one dimension


def part_orders(parts: pl.DataFrame) -> pl.DataFrame:
    """Orders of products, regions and channels, given the other orders of their platform.

    Args:
        parts: sales of every segment of every platform, the platform's own as dimension
            `platform`: business_date, platform, dimension, segment, gmv, orders.

    Returns:
        Frame of `counts.COUNT_SCHEMA`; a day of the platform without a row has no order.
    """
    sold = parts.filter(pl.col("orders").is_not_null())
    whole = sold.filter(pl.col("dimension") == "platform").select(
        "business_date", "platform", whole="orders"
    )
    own = sold.filter(pl.col("dimension").is_in(["product", "region", "channel"]))
    top = top_segments_of(own.drop_nulls("gmv"), _LEAST_SHARE, _MOST_PARTS, 0.95)
    every = top.join(whole, on="platform")
    counted = every.join(own, on=[*_PLACE, "business_date"], how="left").with_columns(
        hits=pl.col("orders").fill_null(0)
    )
    return _shape(
        counted.with_columns(exposure=pl.col("whole") - pl.col("hits"), worth=pl.col("gmv"))
    )


def product_refunds(
    products: pl.DataFrame, refunds: pl.DataFrame, lags: pl.DataFrame, longest: int = 60
) -> pl.DataFrame:
    """Refunded orders of products, given the orders they can be of.

    Exposure of a day is the sum over k of w_k x orders k days before, w_k the part of refunds that
    come k days after the payment: what was sold in a promotion comes back weeks later.

    Args:
        products: business_date, platform, segment (product_id), orders, gmv.
        refunds: business_date (of the refund), platform, segment, refund_count, amount.
        lags: lag_days, amount over all time: only the shape of the lag is learned from it.
        longest: days from payment to refund that count.

    Returns:
        Frame of `counts.COUNT_SCHEMA`, of platforms that tell of refunds at all.
    """
    sold = products.with_columns(dimension=pl.lit("product"), gmv=pl.col("gmv").cast(pl.Float64))
    sold = sold.filter(pl.col("platform").is_in(refunds["platform"].unique().implode()))
    top = top_segments_of(sold, _LEAST_SHARE, _MOST_PARTS)
    if top.is_empty():
        return pl.DataFrame(schema=COUNT_SCHEMA)
    first, last = sold["business_date"].min(), sold["business_date"].max()
    assert isinstance(first, date) and isinstance(last, date)
    days = pl.DataFrame({"business_date": pl.date_range(first, last, eager=True)})
    keys = top.sort(_PLACE)
    every = (
        keys.join(days, how="cross", maintain_order="left_right")
        .join(sold, on=[*_PLACE, "business_date"], how="left", maintain_order="left")
        .join(
            refunds.select("business_date", "platform", "segment", "refund_count", "amount"),
            on=["platform", "segment", "business_date"],
            how="left",
            maintain_order="left",
        )
    )
    orders = every["orders"].fill_null(0).cast(pl.Float64).to_numpy().reshape(len(keys), len(days))
    exposure = np.zeros(orders.shape)
    for lag, weight in enumerate(lag_weights(lags, longest)[: len(days)]):
        exposure[:, lag:] += weight * orders[:, : len(days) - lag]
    return _shape(
        every.with_columns(
            hits=pl.col("refund_count").fill_null(0),
            exposure=pl.Series(exposure.ravel()),
            worth=pl.col("amount").cast(pl.Float64).fill_null(0.0),
        )
    )


def last_steps(
    attempts: pl.DataFrame, steps: int, sales: pl.DataFrame, names: Sequence[str]
) -> pl.DataFrame:
    """Purchases of those who had come to the last step before, of parts of a platform.

    Of who has come so far most buy: a region that cannot be delivered to or a device whose
    checkout is broken shows here with fewer visits than anywhere else.

    Args:
        attempts: see `kpi_series.step_series`.
        steps: number of steps.
        sales: platform, dimension, gmv, orders; of dimension `platform` for the worth of an order.
        names: dimensions, each a column of `attempts`.
    """
    whole = sales.filter(pl.col("dimension") == "platform").group_by("platform")
    worth = whole.agg(worth=pl.col("gmv").cast(pl.Float64).sum() / pl.col("orders").sum())
    tried, passed = pl.col(f"reached_{steps - 1}"), pl.col(f"reached_{steps}")
    place = ["business_date", "platform", "dimension", "segment"]
    parts = [attempts.with_columns(dimension=pl.lit(name), segment=pl.col(name)) for name in names]
    counted = (
        pl.concat(parts)
        .filter(~pl.col("segment").str.starts_with("("))
        .group_by(place)
        .agg(exposure=tried.sum(), hits=passed.sum() - pl.col(f"direct_{steps}").sum())
        .filter(pl.col("exposure") > 0)
        .join(worth, on="platform", how="left")
    )
    return _shape(counted.with_columns(worth=pl.col("worth") * pl.col("hits")))


def shares(counted: pl.DataFrame) -> pl.DataFrame:
    """Hits of an exposure as they are read: unpaid orders of those placed, late parcels, reviews.

    Args:
        counted: business_date, platform, dimension, segment, hits, exposure, worth.
    """
    return _shape(counted.filter(pl.col("exposure") > 0))


def _shape(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(pl.col(name).cast(kind) for name, kind in COUNT_SCHEMA.items())
