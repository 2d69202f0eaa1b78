-- Lines of goods sum to the order's part of GMV exactly, where the order has lines.
with

lines as (
    select
        source,
        order_id,
        sum(case when is_goods then paid_amount else 0 end) as paid_amount
    from {{ ref('fct_order_items') }}
    group by source, order_id
),

final as (
    select
        orders.source,
        orders.order_id,
        orders.paid_amount,
        lines.paid_amount as lines_amount
    from {{ ref('fct_orders') }} as orders
    inner join lines on orders.source = lines.source and orders.order_id = lines.order_id
    where orders.paid_amount <> lines.paid_amount
)

select * from final
