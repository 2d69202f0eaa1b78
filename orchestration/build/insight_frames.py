"""What the models read: queries on the build file, for the run and for the benchmarks alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from models.judgement import Watched
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
# The name a product was last sold by on a platform.
_NAMES = """
    select orders.platform, items.product_id as segment,
        arg_max(items.product_name, items.business_date) as product_name
    from marts.fct_order_items as items
    inner join marts.fct_orders as orders using (source, order_id)
    where items.product_id is not null and items.product_name is not null
    group by all
    order by all
"""
# Paid orders of a leaf over the judged days and those before that say what is usual; the category
# is that of the order's dearest line.
_LEAVES = """
    with span as (select max(business_date) - 150 as after from marts.fct_gmv_daily),
    categories as (
        select source, order_id, arg_max(category, paid_amount) as category
        from marts.fct_order_items
        where is_goods and not is_gift and business_date > (select after from span)
        group by all
    )
    select orders.business_date, orders.platform, orders.channel, orders.device, orders.region,
        categories.category, count(*) as count
    from marts.fct_orders as orders
    left join categories using (source, order_id)
    where orders.is_paid and orders.business_date > (select after from span)
    group by all
"""
_SOURCES = """
    select traffic_date as business_date, platform, segment, cast(sum(visitors) as double)
        as visitors
    from staging.stg_raw__traffic_daily
    where grain = 'traffic_source'
    group by all
"""
_DISCOUNTS = """
    with lines as (
        select items.business_date, orders.platform, items.placed_amount,
            items.merchant_discount_amount + coalesce(items.platform_discount_amount, 0)
                + coalesce(items.creator_discount_amount, 0) as discount
        from marts.fct_order_items as items
        inner join marts.fct_orders as orders using (source, order_id)
        where orders.is_paid and items.is_goods and not items.is_gift
            and items.business_date is not null
    )
    select business_date, platform, cast(sum(discount) as double) as discount,
        cast(sum(placed_amount + discount) as double) as list_amount
    from lines
    where discount is not null
    group by all
"""
# Paid later is no outage, and what comes in two hours is known by the time a day is exported.
_UNPAID = """
    select order_date as business_date, platform, 'platform' as dimension, platform as segment,
        count(*) as exposure,
        count(*) filter (
            not is_paid or coalesce(paid_at > ordered_at + interval 2 hour, false)
        ) as hits,
        cast(sum(placed_amount) filter (
            not is_paid or coalesce(paid_at > ordered_at + interval 2 hour, false)
        ) as double) as worth
    from marts.fct_orders
    where not coalesce(is_presale, false) and order_date is not null
    group by all
"""
# A refund of a child order is one of its main order.
_PAID_REFUNDS = """
    from intermediate.int_refunds_converted as refunds
    inner join marts.fct_orders as orders
        on refunds.main_order_key = orders.source || '|' || orders.order_id
    where orders.is_paid
"""
_REFUNDED = f"{_PAID_REFUNDS} group by all"
REFUNDS = f"""
    select refunds.refund_date as business_date, orders.platform, count(*) as refund_count,
        cast(sum(refunds.goods_amount) as double) as amount
    {_REFUNDED}
"""
_OF_PRODUCTS = f"""
    select refunds.refund_date as business_date, orders.platform, refunds.product_id as segment,
        count(distinct refunds.main_order_key) as refund_count,
        cast(sum(refunds.goods_amount) as double) as amount
    {_PAID_REFUNDS}
"""
_PRODUCT_REFUNDS = f"{_OF_PRODUCTS} group by all"
_QUALITY_REFUNDS = f"""
    {_OF_PRODUCTS} and refunds.reason in (
        select reason from intermediate.int_after_sales_told where is_quality
    )
    group by all
"""
_LATE_PARCELS = """
    select business_date, platform, 'carrier' as dimension, carrier as segment,
        sum(due_parcels) as exposure, sum(due_parcels - on_time_parcels) as hits,
        cast(null as double) as worth
    from marts.fct_fulfilment_daily
    where carrier not like '(%'
    group by all
"""
_BAD_REVIEWS = """
    select business_date, platform, 'platform' as dimension, platform as segment,
        sum(reviews) as exposure, sum(bad_reviews) as hits, cast(null as double) as worth
    from marts.fct_after_sales_daily
    where date_basis = 'event_date' and dimension = 'all'
    group by all
"""
# A warehouse is a platform's if nine in ten of the pieces it sold are what that platform sold.
_STOCK = """
    with stock as (
        select stock.business_date, stock.warehouse, stock.product_key, stock.product_id,
            stock.on_hand, stock.sold, stock.daily_units, stock.days_of_stock
        from marts.fct_inventory_daily as stock
    ),
    sales as (
        select products.product_key, sales.platform, sales.business_date, sum(sales.units) as units,
            sum(sales.gmv) as gmv
        from intermediate.int_stock_products as products
        inner join marts.fct_product_daily as sales
            on products.shop_product_key = sales.product_key
        group by all
    ),
    served as (
        select stock.warehouse, sales.platform
        from stock
        inner join sales using (product_key, business_date)
        group by all
        having sum(least(stock.sold, sales.units))
            >= 0.9 * greatest(sum(stock.sold), sum(sales.units))
    ),
    warehouses as (
        select warehouse, min(platform) as platform
        from served
        group by warehouse
        having count(*) = 1
    ),
    prices as (
        select product_key, sum(gmv) / nullif(sum(units), 0) as unit_gmv
        from sales
        group by product_key
    )
    select stock.business_date, warehouses.platform, stock.product_id as segment,
        sum(stock.on_hand)::double as on_hand, sum(stock.daily_units)::double as daily_units,
        (sum(stock.on_hand) / nullif(sum(stock.daily_units), 0))::double as days_of_stock,
        any_value(prices.unit_gmv)::double as unit_gmv
    from stock
    left join warehouses using (warehouse)
    left join prices using (product_key)
    group by stock.business_date, warehouses.platform, stock.product_id
"""
_PLANS = """
    select business_date, dimension, segment, actual_so_far, target_so_far
    from marts.fct_targets_daily
    where metric = 'cost' and dimension in ('all', 'platform')
"""
# Of campaigns that no account reports their visits say whether they run.
_CAMPAIGNS = """
    select business_date, platform, source, campaign as segment, 'campaign_cost' as metric,
        cast(sum(cost) as double) as amount
    from marts.fct_campaign_daily
    where source is not null
    group by all
    union all
    select business_date, platform, 'visits', campaign, 'campaign_visits',
        cast(sum(session_count) as double)
    from marts.fct_campaign_daily
    where campaign != '(none)' and (platform, campaign) not in (
        select (platform, campaign) from marts.fct_campaign_daily where source is not null
    )
    group by all
"""
_SETTLEMENTS = """
    select business_date, platform, due_amount, overdue_amount
    from marts.fct_settlements_daily
"""
_SERVICE = """
    select business_date, source as segment, mean_value
    from marts.fct_service_health_daily
    where metric = 'error_rate'
"""
_HOURS = """
    select business_date, platform,
        extract(hour from timezone('{zone}', timezone('UTC', hour_start))) as hour,
        cast(sum(orders) as double) as orders, cast(sum(gmv) as double) as gmv
    from marts.fct_gmv_hourly
    where orders is not null
    group by all
"""
_LAGS = f"""
    select refunds.refund_date - orders.business_date as lag_days,
        cast(sum(refunds.goods_amount) as double) as amount
    {_REFUNDED}
"""
_ATTEMPTS = """
    select business_date, platform, channel, device, region,
        sum(columns('(reached|direct)_[0-9]+'))::bigint
    from intermediate.int_funnel_sessions_counted
    group by all
"""
# Paths to the orders of 90 days, and those of visits that led to none, as often as they were gone.
_PATHS = """
    with span as (select max(business_date) - 90 as after from marts.fct_gmv_daily),
    touches as (
        select touches.*, orders.platform, orders.paid_amount
        from intermediate.int_touches_credited as touches
        inner join marts.fct_orders as orders
            on touches.conversion_key = orders.source || '|' || orders.order_id
        where touches.business_date > (select after from span)
    ),
    paths as (
        select platform, list(channel order by touched_at, touch_id) as path, 1 as orders,
            0 as nulls, any_value(paid_amount) as revenue
        from touches
        group by platform, conversion_key
        union all
        select platform, list(channel order by started_at, session_id), 0, 1, 0
        from marts.fct_sessions
        where business_date > (select after from span) and visitor_key is not null
            and session_id not in (select touch_id from touches)
        group by platform, visitor_key
    )
    select platform, path, sum(orders)::bigint as orders, sum(nulls)::bigint as nulls,
        sum(revenue)::double as revenue
    from paths
    group by all
    order by all
"""
# Days on which each customer bought; margin_rate is that of the year's orders of the channel.
_CUSTOMERS = """
    with days as (
        select customer_key, business_date, sum(paid_amount)::double as amount,
            min(business_date) over (partition by customer_key) as first_date
        from marts.fct_orders
        where is_paid and customer_key is not null and paid_amount > 0
        group by customer_key, business_date
    ),
    span as (select max(business_date) as last_date from marts.fct_gmv_daily),
    rates as (
        select coalesce(customers.first_channel, '(untracked)') as "group",
            (sum(margins.margin_amount) / nullif(sum(margins.paid_amount), 0))::double
                as margin_rate
        from intermediate.int_order_margins as margins
        inner join marts.dim_customer as customers using (customer_key)
        where margins.margin_amount is not null
            and margins.business_date > (select last_date - 365 from span)
        group by all
    ),
    customers as (
        select days.customer_key,
            coalesce(any_value(dim_customer.first_channel), '(untracked)') as "group",
            count(*) - 1 as frequency, max(business_date) - min(business_date) as recency,
            (select last_date from span) - min(business_date) as age,
            avg(amount) filter (where business_date > first_date) as monetary
        from days
        left join marts.dim_customer using (customer_key)
        group by days.customer_key
    )
    select customers.*, rates.margin_rate
    from customers
    left join rates using ("group")
    order by customer_key
"""
# Of days whose visitors have had the whole span to buy in.
_ARMS = """
    select platform, experiment, variant,
        sum(columns(* exclude (platform, experiment, variant, business_date, is_mature,
            conversion_rate, converted_pre_period_revenue))::double)
    from marts.fct_experiment_arms_daily
    where is_mature and variant != '(several)'
    group by all
    order by all
"""

_FUNNEL_PARTS = ("channel", "device", "region")  # columns of _ATTEMPTS


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
        watched: counts and operations, as `models.judgement` wants them.
        paths: distinct paths of a platform, as `models.attribution` wants them.
        customers: what each has bought, as `models.future_sales` wants it.
        arms: variants of experiments, as `models.experiments` wants them.
        products: platform, segment (product_id), product_name.
        orders: paid orders of each leaf, as `models.root_cause_sets` wants them.
    """

    daily: pl.DataFrame
    dates: pl.DataFrame
    promos: pl.DataFrame
    completeness: pl.DataFrame
    parts: pl.DataFrame
    series: pl.DataFrame
    watched: Watched
    paths: pl.DataFrame
    customers: pl.DataFrame
    arms: pl.DataFrame
    products: pl.DataFrame
    orders: pl.DataFrame


def named(rows: pl.DataFrame, products: pl.DataFrame, of: str = "") -> pl.DataFrame:
    """Rows with the names of segments that are products, in `segment_name` after `of`.

    Args:
        rows: platform, dimension and segment, these two after `of`.
        products: platform, segment, product_name.
        of: what stands before the names of the columns.
    """
    place = {"platform": pl.col("platform"), f"{of}segment": pl.col("segment")}
    names = products.select(**place, name="product_name", product=pl.lit("product"))
    return (
        rows.drop(f"{of}segment_name", strict=False)
        .join(
            names, left_on=["platform", f"{of}segment", f"{of}dimension"],
            right_on=["platform", f"{of}segment", "product"], how="left", maintain_order="left",
        )
        .rename({"name": f"{of}segment_name"})
    )  # fmt: skip


def read_frames(query: Query, zone: str) -> InsightFrames:
    """Read all frames.

    Args:
        query: on a build file.
        zone: reporting zone, by whose clock hours are told.
    """
    daily = query("select * from marts.fct_gmv_daily where dimension in ('all', 'platform')")
    cells, products, sources = query(_CELLS), query(_PRODUCTS), query(_SOURCES)
    attempts, steps = _funnel(query)
    columns = ["business_date", "platform", "dimension", "segment", "gmv", "visitors", "orders"]
    parts = [
        cells.select(columns),
        products.with_columns(dimension=pl.lit("product"), visitors=None).select(columns),
        sources.with_columns(dimension=pl.lit("traffic_source"), gmv=None, orders=None).select(
            columns
        ),
    ]
    sold = pl.concat(parts, how="vertical_relaxed")
    return InsightFrames(
        daily=daily,
        dates=query("from marts.dim_date").rename({"business_date": "date"}),
        promos=query("from marts.dim_promo"),
        completeness=query("from quality.source_completeness_daily"),
        parts=sold,
        series=_series(query, daily, (cells, products, sources), attempts, steps),
        watched=Watched(
            counted=_counted(query, sold, products, attempts, len(steps)),
            stock=query(_STOCK),
            plans=query(_PLANS),
            campaigns=query(_CAMPAIGNS),
            settlements=query(_SETTLEMENTS),
            service=query(_SERVICE),
            hours=query(_HOURS.format(zone=zone)),
        ),
        paths=query(_PATHS),
        customers=query(_CUSTOMERS),
        arms=query(_ARMS),
        products=query(_NAMES),
        orders=query(_LEAVES),
    )


def _funnel(query: Query) -> tuple[pl.DataFrame, list[str]]:
    """Attempts of the funnel and the names of its steps in order; without steps no attempts."""
    steps = query(
        "select step from marts.fct_funnel_daily group by step order by min(step_number)"
    )["step"].to_list()
    return (query(_ATTEMPTS) if steps else pl.DataFrame()), steps


def _series(
    query: Query,
    daily: pl.DataFrame,
    sold: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame],
    attempts: pl.DataFrame,
    steps: Sequence[str],
) -> pl.DataFrame:
    """Further daily series; `sold` are cells, products and traffic sources."""
    from models import kpi_series as made

    params, (cells, products, sources) = made.SeriesParams(), sold
    within = cells.filter(pl.col("dimension") != "platform")
    top = made.top_segments_of(within, params.min_share, params.per_dimension, params.max_share)
    series = [
        made.segment_series(within, params),
        made.product_series(products, params),
        made.traffic_source_series(sources),
        made.refund_series(daily, query(REFUNDS), query(_LAGS), params),
        made.price_share_series(query(_DISCOUNTS)),
    ]
    if steps:
        # Regions are too small for days; their last step is counted over three.
        large = top.filter(pl.col("dimension") != "region")
        series.append(made.step_series(attempts, steps, large))
    return pl.concat(series)


def _counted(
    query: Query, sold: pl.DataFrame, products: pl.DataFrame, attempts: pl.DataFrame, steps: int
) -> dict[str, pl.DataFrame]:
    """Counts by name of `models.count_series.TESTS`."""
    from models.count_series import last_steps, part_orders, product_refunds, shares

    orders, lags = part_orders(sold), query(_LAGS)
    counted = {
        "orders_3_days": orders,
        "orders_7_days": orders,
        "refunds_3_days": product_refunds(products, query(_PRODUCT_REFUNDS), lags),
        "quality_refunds_7_days": product_refunds(products, query(_QUALITY_REFUNDS), lags),
        "unpaid_orders": shares(query(_UNPAID)),
        "late_parcels_3_days": shares(query(_LATE_PARCELS)),
        "bad_reviews_7_days": shares(query(_BAD_REVIEWS)),
    }
    if steps > 1:
        counted["last_step_3_days"] = last_steps(attempts, steps, sold, _FUNNEL_PARTS)
    return counted
