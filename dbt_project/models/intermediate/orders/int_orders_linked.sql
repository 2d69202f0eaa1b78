{{ replace(
    rows='day', suffix=['int_purchases_tracked'], day='order_day', order_by=['order_day'],
    affected={
        'int_orders_rolled_up': [0, 0],
        'int_sessions_built': [0, 32],
        'int_sessions_recognised': [0, 32],
        'int_purchases_tracked': [-2, 0]
    }
) }}

with

orders as (
    select
        main_order_key,
        order_id,
        platform,
        shop_id,
        customer_key,
        coalesce(business_date, order_date) as order_day,
        case when is_paid then paid_at else ordered_at end as bought_at
    from {{ ref('int_orders_rolled_up') }}
    where {{ only_affected_days('coalesce(business_date, order_date)') }}
),

sessions as (
    select *
    from {{ ref('int_sessions_identified') }}
    where {{ only_affected_days('business_date', before=32) }}
),

purchases as (
    select
        platform,
        shop_id,
        order_id,
        visitor_key,
        occurred_at,
        event_id
    from {{ ref('int_purchases_tracked') }}
    where visitor_key is not null
),

buyers as (
    select
        orders.*,
        purchases.visitor_key
    from orders
    left join purchases
        on
            orders.platform = purchases.platform
            and orders.shop_id = purchases.shop_id
            and orders.order_id = purchases.order_id
            and purchases.occurred_at <= {{ plus_seconds('orders.bought_at', 86400) }}
    qualify
        row_number() over (
            partition by orders.main_order_key
            order by purchases.occurred_at, purchases.event_id, purchases.visitor_key
        ) = 1
),

candidates as (
    select
        buyers.main_order_key,
        buyers.order_day,
        buyers.bought_at,
        1 as link_rank,
        sessions.*
    from buyers
    inner join sessions
        on
            buyers.platform = sessions.platform
            and buyers.shop_id = sessions.shop_id
            and buyers.visitor_key = sessions.visitor_key
    union all
    select
        buyers.main_order_key,
        buyers.order_day,
        buyers.bought_at,
        2 as link_rank,
        sessions.*
    from buyers
    inner join sessions
        on
            buyers.platform = sessions.platform
            and buyers.shop_id = sessions.shop_id
            and buyers.customer_key = sessions.customer_key
),

final as (
    select
        main_order_key,
        order_day,
        session_id,
        visitor_key,
        channel,
        campaign,
        device,
        region
    from candidates
    where
        started_at <= bought_at
        and started_at >= {{ plus_seconds('bought_at', -30 * 86400) }}
    qualify
        row_number() over (
            partition by main_order_key
            order by link_rank asc, started_at desc, session_id asc
        ) = 1
)

select * from final
