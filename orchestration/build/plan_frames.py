"""What the models of plans read of goods, promotions, baskets and customers: queries, no more."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from models.baskets import LEAST_BASKETS
from models.promo_uplift import UpliftParams
from orchestration.build.warehouse import Query

# What sold in a year, up to the last day; gifts are never sold.
UNITS = """
    with span as (select max(business_date) as last_date from marts.fct_gmv_daily),
    products as (
        select distinct product_key, platform, last_date
        from marts.fct_product_daily, span
        where units > 0 and business_date > last_date - 365
    )
    select product_key as series, platform, business_date, units
    from marts.fct_product_daily
    inner join products using (product_key, platform)
    union all
    select product_key, platform, last_date, 0
    from products
    anti join marts.fct_product_daily as sold
        on products.product_key = sold.product_key and products.platform = sold.platform
        and products.last_date = sold.business_date
"""
_STOCK_UNITS = """
    select product_key || ' ' || warehouse as series, null::varchar as platform, business_date,
        case when is_stock_out then null else sold end as units
    from marts.fct_inventory_daily
"""
# On order is what a count says is in transit; else what is open of a product that one warehouse
# keeps.
_STOCK = """
    with last_days as (
        select source, max(business_date) as business_date
        from marts.fct_inventory_daily
        group by source
    ),
    stock as (
        select stock.*,
            count(*) over (partition by product_key) as warehouses
        from marts.fct_inventory_daily as stock
        inner join last_days using (source, business_date)
    ),
    bought as (
        select product_key, arg_max(supplier_id, ordered_at) as supplier_id,
            arg_max(unit_cost, ordered_at)::double as unit_cost,
            sum(ordered_quantity) filter (where received_at is null) as open_units
        from staging.stg_raw__purchase_orders
        group by product_key
    ),
    names as (
        select stocked.product_key, min(products.product_name) as product_name
        from intermediate.int_stock_products as stocked
        inner join marts.dim_product as products
            on stocked.shop_product_key = products.product_key
        group by stocked.product_key
    )
    select stock.product_key || ' ' || stock.warehouse as series,
        stock.business_date as made_on, stock.source, stock.product_id, stock.product_key,
        names.product_name, stock.warehouse, bought.supplier_id, stock.on_hand,
        coalesce(
            stock.in_transit,
            case when stock.warehouses = 1 and bought.product_key is not null
                then coalesce(bought.open_units, 0) end
        ) as on_order,
        bought.unit_cost
    from stock
    left join bought using (product_key)
    left join names using (product_key)
"""
_LEADS = """
    select supplier_id, po_id, lead_days
    from intermediate.int_purchases_judged
    where ordered_date > (select max(business_date) - 365 from marts.fct_gmv_daily)
"""
_NEAR = UpliftParams().window_days
# Every day of a promotion's window whose sales are known; GMV of the platform, and of the products
# whose price per piece was lower in the promotion than in the four weeks before, and of the others.
_PROMO_SALES = f"""
    with promos as (
        select promo, promo_year, platform, first_date, last_date from marts.fct_promo_review
    ),
    days as (
        select promos.*, daily.business_date,
            case when gaps.platform is null then daily.gmv end as gmv
        from promos
        inner join marts.fct_gmv_daily as daily
            on daily.dimension = 'platform' and promos.platform = daily.segment
            and daily.business_date
                between promos.first_date - {_NEAR} and promos.last_date + {_NEAR}
        left join (
            select distinct platform, business_date from intermediate.int_completeness_gaps
            where kind = 'purchase'
        ) as gaps
            on daily.segment = gaps.platform and daily.business_date = gaps.business_date
    ),
    lines as (
        select promos.promo, promos.promo_year, promos.platform, promos.first_date,
            promos.last_date, items.product_id, items.business_date,
            sum(items.paid_amount) as gmv, sum(items.quantity) as units
        from promos
        inner join marts.fct_orders as orders
            on promos.platform = orders.platform and orders.is_paid
            and orders.business_date
                between promos.first_date - {_NEAR} and promos.last_date + {_NEAR}
        inner join marts.fct_order_items as items using (source, order_id)
        where items.is_goods and not items.is_gift and items.business_date is not null
        group by all
    ),
    priced as (
        select promo, promo_year, platform, product_id,
            sum(gmv) filter (business_date between first_date and last_date)
                / nullif(sum(units) filter (business_date between first_date and last_date), 0)
                as price,
            sum(gmv) filter (business_date between first_date - 28 and first_date - 1)
                / nullif(sum(units) filter (
                    business_date between first_date - 28 and first_date - 1
                ), 0) as usual_price
        from lines
        group by all
    ),
    parts as (
        select lines.promo, lines.promo_year, lines.platform, lines.business_date,
            case when priced.price < 0.97 * priced.usual_price then 'discounted_products'
                else 'other_products' end as measure,
            sum(lines.gmv) as gmv
        from lines
        inner join priced using (promo, promo_year, platform, product_id)
        where priced.price is not null and priced.usual_price is not null
        group by all
    ),
    measures as (
        select distinct promo, promo_year, platform, measure from parts
    )
    select promo, promo_year, platform, 'gmv' as measure, business_date, gmv::double as gmv
    from days
    union all
    select measures.promo, measures.promo_year, measures.platform, measures.measure,
        days.business_date,
        case when days.gmv is not null then coalesce(parts.gmv, 0)::double end as gmv
    from measures
    inner join days using (promo, promo_year, platform)
    left join parts using (promo, promo_year, platform, measure, business_date)
"""
_NEW_BUYERS = """
    select promo, promo_year, platform, d30_buyers as new_buyers,
        d30_returned_buyers as returned_buyers, ordinary_d30_buyers as ordinary_buyers,
        ordinary_d30_returned_buyers as ordinary_returned_buyers
    from marts.fct_promo_review
    where d30_buyers is not null
"""
# A basket is a paid order of a year with its distinct products, which numbers stand for: pairs of
# numbers are counted several times faster than pairs of texts. A product with itself: its baskets.
BASKETS = f"""
    with span as (select max(business_date) - 365 as after from marts.fct_gmv_daily),
    sold as materialized (
        select orders.platform, items.product_id, hash(orders.source, orders.order_id) as basket
        from marts.fct_order_items as items
        inner join marts.fct_orders as orders using (source, order_id)
        where orders.is_paid and items.is_goods and not items.is_gift
            and items.product_id is not null and items.business_date > (select after from span)
    ),
    products as materialized (
        select platform, product_id,
            (row_number() over (order by platform, product_id))::integer as number
        from (select distinct platform, product_id from sold)
    ),
    lines as materialized (
        select distinct sold.basket, products.number
        from sold
        inner join products using (platform, product_id)
    ),
    pairs as (
        select one.number, other.number as other_number, count(*) as both_baskets
        from lines as one
        inner join lines as other
            on one.basket = other.basket and one.number <= other.number
        group by all
        having count(*) >= {LEAST_BASKETS}
    ),
    totals as (
        select platform, count(distinct basket) as baskets from sold group by platform
    )
    select products.platform, products.product_id, others.product_id as other_id,
        pairs.both_baskets, totals.baskets
    from pairs
    inner join products using (number)
    inner join products as others on pairs.other_number = others.number
    inner join totals on products.platform = totals.platform
"""
_LIFECYCLES = """
    select customer_key, lifecycle_stage, last_order_date as last_date from marts.dim_customer
"""
# The last visit of each customer with a cart and without a purchase, unless they paid since.
_CARTS = """
    with span as (select max(business_date) - 28 as after from marts.fct_gmv_daily),
    carts as (
        select customer_key, arg_max(platform, started_at) as platform,
            max(business_date) as last_date, max(started_at) as left_at
        from marts.fct_sessions
        where customer_key is not null and has_add_to_cart and not has_purchase
            and business_date > (select after from span)
        group by customer_key
    )
    select carts.customer_key, carts.platform, carts.last_date
    from carts
    anti join (
        select customer_key, max(paid_at) as paid_at from marts.fct_orders
        where is_paid and customer_key is not null
        group by customer_key
    ) as paid
        on carts.customer_key = paid.customer_key and paid.paid_at >= carts.left_at
"""
_PURCHASES = """
    select orders.customer_key, orders.platform, items.product_id, orders.business_date
    from marts.fct_order_items as items
    inner join marts.fct_orders as orders using (source, order_id)
    where orders.is_paid and orders.customer_key is not null and items.is_goods
        and not items.is_gift and items.product_id is not null
        and items.business_date is not null
    group by all
"""
FIRST_PURCHASE = ["platform", "channel", "device", "region", "category"]
"""What is known of a first purchase, of the order and its dearest line."""
# Whether they came back is known half a year after the first purchase.
_FIRST_PURCHASES = """
    with span as (select max(business_date) as last_date from marts.fct_gmv_daily),
    orders as (
        select *, row_number() over (
            partition by customer_key order by business_date, paid_at, source, order_id
        ) as position
        from marts.fct_orders
        where is_paid and customer_key is not null and business_date is not null
    ),
    categories as (
        select source, order_id, arg_max(category, paid_amount) as category
        from marts.fct_order_items
        where is_goods and not is_gift
        group by source, order_id
    ),
    days as (
        select customer_key, min(business_date) as first_date,
            list_sort(list_distinct(list(business_date)))[2] as second_date
        from orders
        group by customer_key
    )
    select days.customer_key, days.first_date, days.second_date is null as is_single,
        case when days.first_date + 180 <= (select last_date from span)
            then coalesce(days.second_date <= days.first_date + 180, false) end as is_returned,
        orders.paid_amount::double as first_amount, orders.platform, orders.channel,
        orders.device, orders.region, categories.category
    from days
    inner join orders on days.customer_key = orders.customer_key and orders.position = 1
    left join categories using (source, order_id)
"""


@dataclass(frozen=True)
class PlanFrames:
    """Frames for the models of plans.

    Attributes:
        units: pieces of each product of a platform by day, as `models.demand` wants them.
        products: product_key (called series), source, product_id.
        stock_units: pieces that left each warehouse, likewise.
        stock: what is there, as `models.replenishment` wants it.
        purchases: lines of purchase orders of a year, likewise.
        promo_sales: sales around each promotion, as `models.promo_uplift` wants them.
        promo_days: first and last day of each, likewise.
        promo_buyers: who first bought in each and came back, likewise.
        baskets: products that are in one basket, as `models.baskets` wants them.
        lifecycles: customers, as `models.audiences` wants them but for their value.
        carts: who left one, likewise.
        purchases_again: what each customer bought on which days, likewise.
        first_purchases: how each first bought and whether they came back, likewise.
    """

    units: pl.DataFrame
    products: pl.DataFrame
    stock_units: pl.DataFrame
    stock: pl.DataFrame
    purchases: pl.DataFrame
    promo_sales: pl.DataFrame
    promo_days: pl.DataFrame
    promo_buyers: pl.DataFrame
    baskets: pl.DataFrame
    lifecycles: pl.DataFrame
    carts: pl.DataFrame
    purchases_again: pl.DataFrame
    first_purchases: pl.DataFrame


def read_plan_frames(query: Query) -> PlanFrames:
    """Read all frames through one query function on a build file."""
    return PlanFrames(
        units=query(UNITS),
        products=query("select product_key as series, source, product_id from marts.dim_product"),
        stock_units=query(_STOCK_UNITS),
        stock=query(_STOCK),
        purchases=query(_LEADS),
        promo_sales=query(_PROMO_SALES),
        promo_days=query(
            "select promo, promo_year, platform, first_date, last_date from marts.fct_promo_review"
        ),
        promo_buyers=query(_NEW_BUYERS),
        baskets=query(BASKETS),
        lifecycles=query(_LIFECYCLES),
        carts=query(_CARTS),
        purchases_again=query(_PURCHASES),
        first_purchases=query(_FIRST_PURCHASES),
    )
