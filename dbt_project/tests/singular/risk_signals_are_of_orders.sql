-- Every order is watched once, and a signal is of an order that is there, on its day.
with

orders as (
    select * from {{ ref('fct_orders') }}
),

watched as (
    select * from {{ ref('int_orders_watched') }}
),

signals as (
    select * from {{ ref('fct_risk_signals') }}
),

final as (
    select
        orders.source,
        orders.order_id,
        watched.order_day
    from orders
    full join watched
        on orders.source = watched.source and orders.order_id = watched.order_id
    where
        watched.order_id is null
        or orders.order_id is null
        or watched.order_day <> coalesce(orders.business_date, orders.order_date)
    union all
    select
        signals.source,
        signals.order_id,
        signals.business_date as order_day
    from signals
    left join watched
        on
            signals.source = watched.source
            and signals.order_id = watched.order_id
            and signals.business_date = watched.order_day
    where watched.order_id is null
)

select * from final
