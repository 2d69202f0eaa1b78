with

lines as (
    select * from {{ ref('int_order_items_shared') }}
    where is_goods and is_paid and product_id is not null
),

orders as (
    select
        {{ join_key(['source', 'order_id']) }} as main_order_key,
        business_date
    from {{ ref('int_orders_attributed') }}
    where is_paid
),

refunds as (
    select * from {{ ref('int_refunds_converted') }}
    where product_id is not null
),

entries as (
    select
        lines.source,
        lines.product_id,
        orders.business_date,
        lines.main_order_key,
        case when lines.is_gift then 0 else lines.quantity end as units,
        lines.line_amount as gmv,
        0 as refunded_amount
    from lines
    inner join orders on lines.main_order_key = orders.main_order_key
    union all
    select
        refunds.source,
        refunds.product_id,
        refunds.refund_date as business_date,
        null as main_order_key,
        0 as units,
        0 as gmv,
        refunds.goods_amount as refunded_amount
    from refunds
    inner join orders on refunds.main_order_key = orders.main_order_key
),

final as (
    select
        source,
        product_id,
        business_date,
        count(distinct main_order_key) as orders,
        sum(units) as units,
        sum(gmv) as gmv,
        sum(refunded_amount) as refunded_amount
    from entries
    group by source, product_id, business_date
)

select * from final
