{% set visitor = join_key(['platform', 'visitor_key']) %}
{% set of_visitor = [
    ['int_orders_linked', visitor, 'main_order_key'],
    ['int_orders_rolled_up', 'main_order_key', 'customer_key']
] %}
{{ replace(
    rows='key', key='customer_key', touch='customer_key', order_by=['customer_key'],
    affected={
        'int_orders_attributed': 'key',
        'int_orders_linked': [['int_orders_rolled_up', 'main_order_key', 'customer_key']],
        'int_sessions_built': [[['int_sessions_recognised', visitor, 'customer_key']], of_visitor],
        'int_sessions_recognised': [
            'key', [['int_sessions_recognised', visitor, 'customer_key']], of_visitor
        ]
    }
) }}

with

orders as (
    select
        *,
        {{ join_key(['source', 'order_id']) }} as main_order_key
    from {{ ref('int_orders_attributed') }}
    where is_paid and customer_key is not null and {{ only_touched_keys('customer_key') }}
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
        customers.customer_key,
        customers.first_paid_at,
        recognised.platform,
        recognised.visitor_key
    from customers
    inner join recognised on customers.customer_key = recognised.customer_key
    union
    select
        orders.customer_key,
        customers.first_paid_at,
        orders.platform,
        links.visitor_key
    from orders
    inner join customers on orders.customer_key = customers.customer_key
    inner join links on orders.main_order_key = links.main_order_key
),

-- a visitor may have been somebody else in between
visits as (
    select
        visitors.customer_key,
        sessions.started_at,
        sessions.channel
    from visitors
    inner join sessions
        on
            visitors.platform = sessions.platform
            and visitors.visitor_key = sessions.visitor_key
            and visitors.first_paid_at >= sessions.started_at
    left join recognised on sessions.session_id = recognised.session_id
    where coalesce(recognised.customer_key, visitors.customer_key) = visitors.customer_key
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
