{% set visitor = join_key(['platform', 'visitor_key']) %}
{% set customer = join_key(['platform', 'customer_key']) %}
{% set name = join_key(['platform', 'shop_id', 'order_id']) %}
{% set of_customer = ['int_orders_rolled_up', customer, 'main_order_key'] %}
{% set of_name = ['int_orders_rolled_up', name, 'main_order_key'] %}
{{ replace(
    rows='key', key='main_order_key', day='order_day', touch='main_order_key',
    order_by=['order_day'],
    affected={
        'int_orders_rolled_up': 'key',
        'int_purchases_tracked': [of_name],
        'int_sessions_built': [
            [['int_purchases_tracked', visitor, name], of_name],
            [['int_sessions_recognised', visitor, customer], of_customer]
        ],
        'int_sessions_recognised': [of_customer]
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
    where {{ only_touched_keys('main_order_key') }}
),

sessions as (
    select * from {{ ref('int_sessions_built') }}
),

recognised as (
    select * from {{ ref('int_sessions_recognised') }}
),

purchases as (
    select * from {{ ref('int_purchases_tracked') }}
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
        sessions.session_id,
        sessions.started_at
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
        recognised.session_id,
        recognised.started_at
    from buyers
    inner join recognised
        on
            buyers.platform = recognised.platform
            and buyers.shop_id = recognised.shop_id
            and buyers.customer_key = recognised.customer_key
),

chosen as (
    select *
    from candidates
    where
        started_at <= bought_at
        and started_at >= {{ plus_seconds('bought_at', -30 * 86400) }}
    qualify
        row_number() over (
            partition by main_order_key
            order by link_rank asc, started_at desc, session_id asc
        ) = 1
),

final as (
    select
        chosen.main_order_key,
        chosen.order_day,
        chosen.session_id,
        sessions.platform,
        sessions.visitor_key,
        sessions.channel,
        sessions.campaign,
        sessions.device,
        sessions.region
    from chosen
    inner join sessions on chosen.session_id = sessions.session_id
)

select * from final
