{{ config(materialized='view') }}

with

staged as (
    select * from {{ ref('stg_raw__orders') }}
    qualify {{ is_counted() }}
),

items as (
    select * from {{ ref('stg_raw__order_items') }}
),

products as (
    select distinct
        source,
        product_id
    from {{ ref('stg_raw__products') }}
),

catalogues as (
    select distinct source from products
),

lines as (
    select * from {{ ref('int_order_items_shared') }}
),

orders as (
    select * from {{ ref('int_orders_rolled_up') }}
    where is_paid
),

links as (
    select * from {{ ref('int_orders_linked') }}
),

parcels as (
    select * from {{ ref('stg_raw__shipments') }}
),

tracked as (
    select
        platform,
        min(business_date) as first_date,
        max(business_date) as last_date
    from {{ ref('int_sessions_built') }}
    group by platform
),

final as (
    -- a line tells no day of its own, so none is told of those that are found either
    select
        'order_items' as feed,
        'order' as looks_for,
        source,
        null as day,
        order_id as example_id,
        quantity * unit_price - discount_amount as amount,
        order_key in (select staged.order_key from staged) as is_found,
        1 as row_count
    from items
    union all
    select
        'order_items' as feed,
        'product' as looks_for,
        lines.source,
        lines.order_date as day,
        lines.product_id as example_id,
        lines.line_amount as amount,
        products.product_id is not null as is_found,
        1 as row_count
    from lines
    left join products
        on lines.source = products.source and lines.product_id = products.product_id
    where
        lines.is_goods
        and lines.product_id is not null
        and lines.source in (select catalogues.source from catalogues)
    union all
    select
        'orders' as feed,
        'line' as looks_for,
        source,
        business_date as day,
        order_id as example_id,
        paid_goods_amount as amount,
        main_order_key in (select lines.main_order_key from lines) as is_found,
        1 as row_count
    from orders
    where source in (select lines.source from lines)
    union all
    select
        'orders' as feed,
        'session' as looks_for,
        orders.source,
        orders.business_date as day,
        orders.order_id as example_id,
        orders.paid_goods_amount as amount,
        links.main_order_key is not null as is_found,
        1 as row_count
    from orders
    inner join tracked
        on
            orders.platform = tracked.platform
            and orders.business_date between tracked.first_date and tracked.last_date
    left join links on orders.main_order_key = links.main_order_key
    union all
    select
        'shipments' as feed,
        'order' as looks_for,
        source,
        {{ local_date('shipped_at') }} as day,
        order_id as example_id,
        cast(null as decimal(18, 2)) as amount,
        order_key in (select placed.order_key from {{ ref('stg_raw__orders') }} as placed)
            as is_found,
        1 as row_count
    from parcels
)

select * from final
