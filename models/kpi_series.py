"""The further series that are judged: segments of a platform, steps of the funnel, refund rates.

Belongs here: which segments are large enough, and what their figures are. All give the long form
of `series.py`. Everything is within one platform: a segment that two platforms share is two
series, so that a file of one that is missing never looks like a fall of the segment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from models.baseline import Floats
from models.series import SERIES_SCHEMA, long_series

__all__ = [
    "SeriesParams",
    "lag_weights",
    "price_share_series",
    "product_series",
    "refund_series",
    "segment_series",
    "step_series",
    "top_segments_of",
    "traffic_source_series",
]

_UNKNOWN = r"^\("  # (untracked), (unidentified): what is not known is no segment to look into


@dataclass(frozen=True)
class SeriesParams:
    """Which segments are judged.

    Attributes:
        min_share: smallest share of the company's GMV.
        max_share: largest share of the platform's GMV; above it the segment is the platform.
        per_dimension: segments of one dimension and platform, the largest.
        min_product_share: as min_share, for products.
        per_platform_products: products of a platform.
        refund_lag_days: longest time from payment to refund that counts.
    """

    min_share: float = 0.05
    max_share: float = 0.95
    per_dimension: int = 6
    min_product_share: float = 0.005
    per_platform_products: int = 20
    refund_lag_days: int = 60


def top_segments_of(
    sales: pl.DataFrame, min_share: float, cap: int, max_share: float = 1.0
) -> pl.DataFrame:
    """The largest segments of each platform and dimension by GMV over the whole time.

    Size decides, never what happened to a segment, so no incident chooses what is looked at.

    Args:
        sales: business_date, platform, dimension, segment, gmv.
        min_share: smallest share of the company's GMV.
        cap: segments of a platform and dimension.
        max_share: largest share of the platform's GMV.

    Returns:
        platform, dimension, segment.
    """
    place = ["platform", "dimension"]
    sums = sales.group_by(*place, "segment").agg(pl.col("gmv").cast(pl.Float64).sum())
    own = pl.col("gmv").sum().over(place)
    company = pl.col("gmv").sum().over("dimension")
    return (
        sums.with_columns(share=pl.col("gmv") / company, own_share=pl.col("gmv") / own)
        .filter(
            pl.col("share") >= min_share,
            pl.col("own_share") <= max_share,
            ~pl.col("segment").str.contains(_UNKNOWN),
        )
        .sort(*place, "gmv", "segment", descending=[False, False, True, False])
        .group_by(place, maintain_order=True)
        .head(cap)
        .select(*place, "segment")
    )


def segment_series(sales: pl.DataFrame, params: SeriesParams | None = None) -> pl.DataFrame:
    """GMV, visitors, conversion (buyers where traffic is unknown) of the largest segments.

    Args:
        sales: rows of `int_gmv_cells`: business_date, platform, dimension, segment, visitors,
            tracked_buyers, buyers, orders, gmv.
        params: which segments.
    """
    p = params or SeriesParams()
    top = top_segments_of(sales, p.min_share, p.per_dimension, p.max_share)
    visitors = pl.when(pl.col("visitors") > 0).then("visitors")
    return long_series(
        sales.join(top, on=["platform", "dimension", "segment"]).with_columns(
            visitors=visitors, conversion_rate=pl.col("tracked_buyers") / visitors
        )
    )


def step_series(
    attempts: pl.DataFrame, steps: Sequence[str], segments: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Step rates of the funnel, as `<step>_rate`: what part of those at the step before came on.

    The company has series of its own where more than one platform has events.

    Args:
        attempts: rows of `int_funnel_sessions_counted`: business_date, platform,
            reached_1, direct_1 and so on for every step, and one column for each dimension of
            `segments`.
        steps: names of the steps in order.
        segments: platform, dimension, segment to follow beside company and platforms.
    """
    names = [] if segments is None else segments["dimension"].unique().sort().to_list()
    names = [name for name in names if name in attempts.columns]
    places = [attempts.with_columns(dimension=pl.lit("platform"), segment="platform")]
    if attempts["platform"].n_unique() > 1:  # else the company's funnel is the platform's
        company = attempts.with_columns(dimension=pl.lit("all"), segment=pl.lit("all"))
        places.append(company.with_columns(platform=pl.lit(None, pl.String)))
    for name in names:
        assert segments is not None
        own = attempts.with_columns(dimension=pl.lit(name), segment=pl.col(name))
        places.append(own.join(segments, on=["platform", "dimension", "segment"], how="semi"))
    place = ["business_date", "dimension", "segment", "platform"]
    counts = [f"{kind}_{n + 1}" for n in range(len(steps)) for kind in ("reached", "direct")]
    sums = pl.concat([part.select(*place, *counts) for part in places], how="vertical_relaxed")
    sums = sums.group_by(place).agg(pl.col(counts).sum())
    parts = [
        sums.filter(pl.col(f"reached_{number - 1}") > 0)
        .with_columns(passed=pl.col(f"reached_{number}") - pl.col(f"direct_{number}"))
        .select(
            *place,
            metric=pl.lit(f"{step}_rate"),
            value=pl.col("passed") / pl.col(f"reached_{number - 1}"),
            count=pl.col("passed").cast(pl.Float64),
            base=pl.col(f"reached_{number - 1}").cast(pl.Float64),
        )
        for number, step in enumerate(steps, start=1)
        if number > 1
    ]
    return _shape(pl.concat(parts))


def lag_weights(lags: pl.DataFrame, longest: int = 60) -> Floats:
    """Part of all refunds by days since the payment, 0 to `longest`; sums to 1.

    Args:
        lags: lag_days, amount.
        longest: later refunds are left out.
    """
    weights = np.zeros(longest + 1)
    known = lags.filter(pl.col("lag_days").is_between(0, longest))
    np.add.at(weights, known["lag_days"].to_numpy(), known["amount"].cast(pl.Float64).to_numpy())
    total = weights.sum()
    return weights / total if total > 0 else weights


def refund_series(
    daily: pl.DataFrame,
    refunds: pl.DataFrame,
    lags: pl.DataFrame,
    params: SeriesParams | None = None,
) -> pl.DataFrame:
    """Refund rate by amount, of company and platforms, on a basis no day is too young for.

    Refunds of a day / the GMV they can be of: sum over k of w_k x GMV k days before, w_k the part
    of refunds that come k days after the payment. If a share r of all GMV is refunded in the end,
    this is r every day, whatever the sales of the last weeks did: a promotion does not look like a
    wave of refunds, and young orders do not look like good ones. A platform of which no refund was
    ever told is left out, also of the company's rate: whether nothing came back is not known.

    Args:
        daily: business_date, dimension, segment, gmv of company and platforms; days whose gmv is
            NULL after the first that is known are left out, and the others stand for them.
        refunds: business_date (of the refund), platform, amount, refund_count.
        lags: lag_days, amount over all time: only the shape of the lag is learned from it.
        params: longest lag.
    """
    if daily.is_empty():
        return pl.DataFrame(schema=SERIES_SCHEMA)
    daily = _of_refunding(daily, refunds)
    if daily.is_empty():
        return pl.DataFrame(schema=SERIES_SCHEMA)
    weights = lag_weights(lags, (params or SeriesParams()).refund_lag_days)
    bases = [_refundable(own, weights) for _, own in daily.group_by("dimension", "segment")]
    by_day = ["business_date", "platform"]
    sums = refunds.group_by(by_day).agg(
        pl.col("amount").cast(pl.Float64).sum(), pl.col("refund_count").sum()
    )
    company = sums.group_by("business_date").agg(pl.col("amount", "refund_count").sum())
    sums = pl.concat([sums, company.with_columns(platform=None).select(sums.columns)])
    rates = pl.concat(bases).join(sums, on=by_day, how="left", nulls_equal=True)
    amount, count = pl.col("amount").fill_null(0.0), pl.col("refund_count").fill_null(0)
    return _shape(
        rates.with_columns(
            metric=pl.lit("refund_rate"),
            value=amount / pl.col("base"),
            count=count.cast(pl.Float64),
        )
    )


def _of_refunding(daily: pl.DataFrame, refunds: pl.DataFrame) -> pl.DataFrame:
    """Days of the platforms that tell of refunds, and of the company as their sum."""
    tells = pl.col("segment").is_in(refunds["platform"].unique().implode())
    own_sales = daily.filter(pl.col("dimension") == "platform", tells)
    known_sum = pl.when(pl.col("gmv").count() > 0).then(pl.col("gmv").sum()).alias("gmv")
    told = own_sales.group_by("business_date").agg(known_sum)
    whole = daily.filter(pl.col("dimension") == "all", pl.lit(not told.is_empty()))
    whole = whole.drop("gmv").join(told, on="business_date", how="left").select(daily.columns)
    return pl.concat([own_sales, whole])


def _refundable(own: pl.DataFrame, weights: Floats) -> pl.DataFrame:
    """GMV that refunds of each day can be of, of one place; known days stand for lost ones."""
    longest = len(weights) - 1
    place = own.select("dimension", "segment").row(0, named=True)
    known = pl.col("gmv").is_not_null()
    sales = (
        own.sort("business_date")
        .with_columns(is_lost=~known & (known.cum_sum() > 0))
        .upsample("business_date", every="1d")
    )
    gmv = sales["gmv"].cast(pl.Float64).fill_null(0.0).to_numpy()
    told_days = (~sales["is_lost"].fill_null(value=False)).cast(pl.Float64).to_numpy()
    base, part = (np.convolve(days, weights)[: len(gmv)] for days in (gmv, told_days))
    with np.errstate(divide="ignore", invalid="ignore"):
        base = base / (part / np.cumsum(weights)[np.minimum(np.arange(len(gmv)), longest)])
    base[:longest] = np.nan  # not all of what is refunded then was sold within the data
    return (
        sales.select("business_date")
        .with_columns(
            dimension=pl.lit(str(place["dimension"])),
            segment=pl.lit(str(place["segment"])),
            platform=pl.lit(
                None if place["dimension"] == "all" else str(place["segment"]), pl.String
            ),
            base=pl.Series(base).fill_nan(None),
        )
        .filter(pl.col("base") > 0)
    )


def product_series(sales: pl.DataFrame, params: SeriesParams | None = None) -> pl.DataFrame:
    """GMV and GMV per unit of the largest products: a wrong price shows in the latter at once.

    Args:
        sales: business_date, platform, segment (product_id), units, orders, gmv.
        params: which products.
    """
    p = params or SeriesParams()
    rows = sales.with_columns(dimension=pl.lit("product"), gmv=pl.col("gmv").cast(pl.Float64))
    top = top_segments_of(rows, p.min_product_share, p.per_platform_products)
    kept = rows.join(top, on=["platform", "dimension", "segment"])
    if kept.is_empty():
        return pl.DataFrame(schema=SERIES_SCHEMA)
    price = kept.filter(pl.col("units") > 0).with_columns(
        metric=pl.lit("gmv_per_unit"),
        value=pl.col("gmv") / pl.col("units"),
        count=None,
        base="units",
    )
    amount = kept.with_columns(metric=pl.lit("gmv"), value="gmv", count="orders")
    return pl.concat([_shape(price), _shape(amount)])


def price_share_series(discounts: pl.DataFrame) -> pl.DataFrame:
    """What part of its goods' price each platform was paid: a coupon gone wrong shows here first.

    The part that is kept, not the discount, which near zero has no scale of its own.

    Args:
        discounts: business_date, platform, discount, list_amount, of paid orders.
    """
    return _shape(
        discounts.filter(pl.col("list_amount") > 0).with_columns(
            metric=pl.lit("price_share"),
            dimension=pl.lit("platform"),
            segment="platform",
            value=1 - pl.col("discount") / pl.col("list_amount"),
        )
    )


def traffic_source_series(traffic: pl.DataFrame) -> pl.DataFrame:
    """Visitors of each traffic source, as the platform reports them; sources overlap.

    Args:
        traffic: business_date, platform, segment (the source), visitors.
    """
    return _shape(
        traffic.with_columns(
            metric=pl.lit("visitors"), dimension=pl.lit("traffic_source"), value="visitors",
            count="visitors",
        )
    )  # fmt: skip


def _shape(rows: pl.DataFrame) -> pl.DataFrame:
    missing = [pl.lit(None).alias(name) for name in SERIES_SCHEMA if name not in rows.columns]
    return rows.with_columns(missing).select(
        pl.col(name).cast(kind) for name, kind in SERIES_SCHEMA.items()
    )
