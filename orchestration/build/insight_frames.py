"""What the models read: queries on the build file, for the run and for the benchmarks alike."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from orchestration.build.warehouse import Query

_CELLS = """
    select period_start as business_date, platform, dimension, segment, visitors, tracked_buyers,
        buyers, orders, cast(gmv as double) as gmv
    from intermediate.int_gmv_cells
    where grain = 'day' and dimension in ('platform', 'shop', 'channel', 'device', 'region')
"""
_PRODUCTS = """
    select items.business_date, orders.platform, items.product_id as segment,
        cast(sum(items.quantity) as double) as units, count(distinct items.order_id) as orders,
        cast(sum(items.paid_amount) as double) as gmv
    from marts.fct_order_items as items
    inner join marts.fct_orders as orders using (source, order_id)
    where orders.is_paid and items.is_goods and not items.is_gift
        and items.product_id is not null and items.business_date is not null
    group by all
"""
_SOURCES = """
    select traffic_date as business_date, platform, segment, cast(sum(visitors) as double)
        as visitors
    from staging.stg_raw__traffic_daily
    where grain = 'traffic_source'
    group by all
"""
# A refund of a child order is one of its main order.
_REFUNDED = """
    from intermediate.int_refunds_converted as refunds
    inner join marts.fct_orders as orders
        on refunds.main_order_key = orders.source || '|' || orders.order_id
    where orders.is_paid
    group by all
"""
REFUNDS = f"""
    select refunds.refund_date as business_date, orders.platform, count(*) as refund_count,
        cast(sum(refunds.goods_amount) as double) as amount
    {_REFUNDED}
"""
_LAGS = f"""
    select refunds.refund_date - orders.business_date as lag_days,
        cast(sum(refunds.goods_amount) as double) as amount
    {_REFUNDED}
"""
_ATTEMPTS = """
    select business_date, platform, channel, device,
        sum(columns('(reached|direct)_[0-9]+'))::bigint
    from intermediate.int_funnel_sessions_counted
    group by all
"""


@dataclass(frozen=True)
class InsightFrames:
    """Frames for `models.anomaly` and `models.incidents`.

    Attributes:
        daily: `fct_gmv_daily` of company and platforms.
        dates: `dim_date` with `date` as the models call it.
        promos: `dim_promo`.
        completeness: `quality.source_completeness_daily`.
        parts: sales (for traffic sources: visitors only) of every segment of every platform:
            business_date, platform, dimension, segment, gmv, visitors, orders.
        series: the further series that are judged, in the long form of `models.series`.
    """

    daily: pl.DataFrame
    dates: pl.DataFrame
    promos: pl.DataFrame
    completeness: pl.DataFrame
    parts: pl.DataFrame
    series: pl.DataFrame


def read_frames(query: Query) -> InsightFrames:
    """Read all frames through one query function on a build file."""
    from models.kpi_series import (
        SeriesParams,
        product_series,
        refund_series,
        segment_series,
        step_series,
        top_segments_of,
        traffic_source_series,
    )

    params = SeriesParams()
    daily = query("select * from marts.fct_gmv_daily where dimension in ('all', 'platform')")
    cells, products, sources = query(_CELLS), query(_PRODUCTS), query(_SOURCES)
    steps = query(
        "select step from marts.fct_funnel_daily group by step order by min(step_number)"
    )["step"].to_list()
    within = cells.filter(pl.col("dimension") != "platform")
    top = top_segments_of(within, params.min_share, params.per_dimension, params.max_share)
    series = [
        segment_series(within, params),
        product_series(products, params),
        traffic_source_series(sources),
        refund_series(daily, query(REFUNDS), query(_LAGS), params),
    ]
    if steps:
        series.append(step_series(query(_ATTEMPTS), steps, top))
    columns = ["business_date", "platform", "dimension", "segment", "gmv", "visitors", "orders"]
    parts = [
        cells.select(columns),
        products.with_columns(dimension=pl.lit("product"), visitors=None).select(columns),
        sources.with_columns(dimension=pl.lit("traffic_source"), gmv=None, orders=None).select(
            columns
        ),
    ]
    return InsightFrames(
        daily=daily,
        dates=query("from marts.dim_date").rename({"business_date": "date"}),
        promos=query("from marts.dim_promo"),
        completeness=query("from quality.source_completeness_daily"),
        parts=pl.concat(parts, how="vertical_relaxed"),
        series=pl.concat(series),
    )
