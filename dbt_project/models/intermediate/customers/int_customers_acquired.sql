with

orders as (
    select * from {{ ref('int_order_margins') }}
    where customer_key is not null
),

links as (
    select * from {{ ref('int_orders_linked') }}
),

sessions as (
    select * from {{ ref('int_sessions_identified') }}
),

customers as (
    select
        customer_key,
        min(paid_at) as first_paid_at,
        min_by(channel, order_number) as order_channel
    from orders
    group by customer_key
),

-- the visitors that the customer is known to have been
visitors as (
    select
        customer_key,
        platform,
        visitor_key
    from sessions
    where customer_key is not null
    union
    select
        orders.customer_key,
        orders.platform,
        links.visitor_key
    from orders
    inner join links on orders.main_order_key = links.main_order_key
),

-- a visitor may have been somebody else in between
visits as (
    select
        customers.customer_key,
        sessions.started_at,
        sessions.channel
    from customers
    inner join visitors on customers.customer_key = visitors.customer_key
    inner join sessions
        on
            visitors.platform = sessions.platform
            and visitors.visitor_key = sessions.visitor_key
            and customers.first_paid_at >= sessions.started_at
            and coalesce(sessions.customer_key, customers.customer_key) = customers.customer_key
),

-- of ties in time the smallest value
firsts as (
    select
        customer_key,
        min({{ struct(['started_at', 'channel']) }}) as first_visit
    from visits
    group by customer_key
),

final as (
    select
        customers.customer_key,
        coalesce(firsts.first_visit.channel, customers.order_channel) as channel,
        firsts.first_visit.started_at as first_visit_at
    from customers
    left join firsts on customers.customer_key = firsts.customer_key
)

select * from final
