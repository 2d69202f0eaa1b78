-- Refunds of each day and rung, and goods placed of each day, by a way of their own.
with

expected as (
    select
        refunds.refund_date as business_date,
        case
            when refunds.kind = 'return' then 'returned'
            when staged.status in ('shipped', 'completed') then 'refunded_after_shipping'
            else 'refunded_before_shipping'
        end as rung,
        -sum(refunds.amount) as amount
    from {{ ref('int_refunds_converted') }} as refunds
    inner join {{ ref('stg_raw__orders') }} as staged on refunds.order_key = staged.order_key
    inner join {{ ref('fct_orders') }} as orders
        on staged.main_order_key = {{ join_key(['orders.source', 'orders.order_id']) }}
    where orders.is_paid
    group by all
    union all
    select
        order_date as business_date,
        'placed' as rung,
        sum(placed_amount) as amount
    from {{ ref('fct_orders') }}
    group by order_date
),

ladder as (
    select * from {{ ref('fct_sales_ladder_daily') }}
    where
        refund_basis = 'refund_date'
        and rung in ('placed', 'returned', 'refunded_after_shipping', 'refunded_before_shipping')
),

final as (
    select
        coalesce(ladder.business_date, expected.business_date) as business_date,
        coalesce(ladder.rung, expected.rung) as rung,
        ladder.amount,
        expected.amount as staged_amount
    from ladder
    full join expected
        on ladder.business_date = expected.business_date and ladder.rung = expected.rung
    where coalesce(ladder.amount, 0) != coalesce(expected.amount, 0)
)

select * from final
