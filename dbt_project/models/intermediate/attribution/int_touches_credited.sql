{% set window_days = var('attribution_window_days') | int %}
{% set visitor = join_key(['platform', 'visitor_key']) %}
{% set customer = join_key(['platform', 'customer_key']) %}
{% set of_customer = ['int_orders_rolled_up', customer, 'main_order_key'] %}
{% set of_visitor = [
    [['int_orders_linked', visitor, 'main_order_key']],
    [['int_sessions_recognised', visitor, customer], of_customer]
] %}
{{ replace(
    rows='key', key='conversion_key', day='business_date', order_by=['business_date'],
    affected={
        'int_orders_rolled_up': 'key',
        'int_orders_linked': 'key',
        'int_sessions_built': of_visitor,
        'int_sessions_recognised': of_visitor + [[of_customer]]
    }
) }}

with

orders as (
    select
        main_order_key,
        platform,
        customer_key,
        business_date,
        paid_at,
        {{ plus_seconds('paid_at', '-86400 * ' ~ window_days) }} as window_opened_at
    from {{ ref('int_orders_rolled_up') }}
    where is_paid and {{ only_touched_keys('main_order_key') }}
),

links as (
    select * from {{ ref('int_orders_linked') }}
),

sessions as (
    select * from {{ ref('int_sessions_built') }}
),

recognised as (
    select * from {{ ref('int_sessions_recognised') }}
),

-- The visitors that the buyer is known to have been: who bought, and who was this customer in a
-- session of the window. Each carries the order, so that sessions are met by visitor alone.
buyers as (
    select
        orders.*,
        links.visitor_key
    from orders
    inner join links on orders.main_order_key = links.main_order_key
    union
    select
        orders.*,
        recognised.visitor_key
    from orders
    inner join recognised
        on
            orders.customer_key = recognised.customer_key
            and orders.platform = recognised.platform
            and orders.paid_at >= recognised.started_at
            and orders.window_opened_at <= recognised.started_at
),

-- A visitor may have been another customer in between: those sessions are not the buyer's.
touches as (
    select
        buyers.main_order_key as conversion_key,
        buyers.business_date,
        buyers.paid_at as converted_at,
        sessions.started_at as touched_at,
        sessions.session_id as touch_id,
        sessions.channel,
        sessions.campaign,
        sessions.channel = 'direct' as is_direct
    from buyers
    inner join sessions
        on
            buyers.visitor_key = sessions.visitor_key
            and buyers.platform = sessions.platform
            and buyers.paid_at >= sessions.started_at
            and buyers.window_opened_at <= sessions.started_at
    left join links on buyers.main_order_key = links.main_order_key
    left join recognised on sessions.session_id = recognised.session_id
    where
        recognised.customer_key is null
        or buyers.customer_key is null
        or recognised.customer_key = buyers.customer_key
        or sessions.session_id = links.session_id
),

credited as (
    {{ credit_touches('touches') }}
),

final as (
    select
        conversion_key,
        business_date,
        converted_at,
        touched_at,
        touch_id,
        channel,
        campaign,
        is_direct,
        touch_number,
        touch_count,
        credit_first,
        credit_last,
        credit_last_non_direct,
        credit_linear,
        credit_position,
        credit_time_decay
    from credited
)

select * from final
