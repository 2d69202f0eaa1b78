{{ config(materialized='view') }}

with

orders as (
    select
        *,
        {{ join_key(['source', 'order_id']) }} as order_key
    from {{ ref('int_orders_attributed') }}
),

refunds as (
    select * from {{ ref('int_refunds_converted') }}
),

refunded as (
    select
        refunds.refund_date,
        orders.business_date as paid_date,
        case
            when refunds.kind = 'return' then 'returned'
            when refunds.is_after_shipping then 'refunded_after_shipping'
            else 'refunded_before_shipping'
        end as rung,
        case when refunds.kind != 'return' then refunds.shipping_basis end as shipping_basis,
        -refunds.goods_amount as amount,
        -refunds.other_amount as other_amount
    from refunds
    inner join orders on refunds.main_order_key = orders.order_key
    where orders.is_paid
),

entries as (
    select
        order_date as business_date,
        null as refund_basis,
        'placed' as rung,
        placed_amount as amount
    from orders
    union all
    select
        order_date as business_date,
        null as refund_basis,
        case status
            when 'deposit_paid' then 'deposit_pending'
            when 'unpaid' then 'awaiting_payment'
            else 'unpaid_closed'
        end as rung,
        paid_amount - placed_amount as amount
    from orders
    union all
    -- leaves the day on which it was ordered, enters that on which it was paid
    select
        order_date as business_date,
        null as refund_basis,
        'paid_on_another_day' as rung,
        -paid_amount as amount
    from orders
    where business_date != order_date
    union all
    select
        business_date,
        null as refund_basis,
        'paid_on_another_day' as rung,
        paid_amount as amount
    from orders
    where business_date != order_date
),

final as (
    select
        business_date,
        refund_basis,
        rung,
        null as shipping_basis,
        amount,
        0 as other_amount
    from entries
    union all
    select
        refund_date as business_date,
        'refund_date' as refund_basis,
        rung,
        shipping_basis,
        amount,
        other_amount
    from refunded
    union all
    select
        paid_date as business_date,
        'order_date' as refund_basis,
        rung,
        shipping_basis,
        amount,
        other_amount
    from refunded
)

select * from final
