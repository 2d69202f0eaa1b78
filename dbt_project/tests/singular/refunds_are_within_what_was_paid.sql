-- Refunds of an order in its own currency come to no more than what was paid for it: more means
-- another currency, a refund told twice or the wrong order, one that never was paid. A warning:
-- goodwill exists.
{{ config(severity='warn') }}

with

refunds as (
    select * from {{ ref('int_refunds_converted') }}
),

-- of each order as delivered, and of each main order with its children
refunded as (
    select
        order_key as paid_key,
        main_order_key,
        currency,
        sum(original_amount) as refunded_amount
    from refunds
    group by order_key, main_order_key, currency
    union
    select
        main_order_key as paid_key,
        main_order_key,
        currency,
        sum(original_amount) as refunded_amount
    from refunds
    group by main_order_key, currency
),

worth as (
    select
        valued.order_key,
        valued.main_order_key,
        case
            when valued.is_paid then valued.goods_amount + valued.rest_amount
            else coalesce(orders.deposit_amount, 0)
        end as worth_amount
    from {{ ref('int_orders_valued') }} as valued
    inner join {{ ref('stg_raw__orders') }} as orders on valued.order_key = orders.order_key
),

paid as (
    select
        order_key as paid_key,
        worth_amount as paid_amount
    from worth
    union
    select
        main_order_key as paid_key,
        sum(worth_amount) as paid_amount
    from worth
    group by main_order_key
),

staged as (
    select
        main_order_key,
        min(currency) as currency,
        min(exchange_rate) as exchange_rate
    from {{ ref('stg_raw__orders') }}
    group by main_order_key
),

final as (
    select distinct
        refunded.main_order_key,
        refunded.refunded_amount
    from refunded
    inner join paid on refunded.paid_key = paid.paid_key
    inner join staged
        on
            refunded.main_order_key = staged.main_order_key
            and refunded.currency = staged.currency
    where
        -- a cent for each amount that was rounded when it was converted
        refunded.refunded_amount * staged.exchange_rate > paid.paid_amount + 0.03
)

select * from final
