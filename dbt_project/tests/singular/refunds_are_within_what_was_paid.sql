-- Refunds of an order in its own currency come to no more than its goods, postage and tax: more
-- means another currency, a refund told twice or the wrong order. A warning: goodwill exists.
{{ config(severity='warn') }}

with

refunded as (
    select
        main_order_key,
        currency,
        sum(original_amount) as refunded_amount
    from {{ ref('int_refunds_converted') }}
    group by main_order_key, currency
),

staged as (
    select
        main_order_key,
        min(exchange_rate) as exchange_rate,
        sum(tax_amount) as tax_amount
    from {{ ref('stg_raw__orders') }}
    group by main_order_key
),

final as (
    select
        orders.main_order_key,
        refunded.refunded_amount
    from refunded
    inner join {{ ref('int_orders_rolled_up') }} as orders
        on
            refunded.main_order_key = orders.main_order_key
            and refunded.currency = orders.currency
    inner join staged on orders.main_order_key = staged.main_order_key
    where
        orders.is_paid
        -- a cent for each amount that was rounded when it was converted
        and refunded.refunded_amount * staged.exchange_rate
        > orders.paid_total_amount + staged.tax_amount + 0.03
)

select * from final
