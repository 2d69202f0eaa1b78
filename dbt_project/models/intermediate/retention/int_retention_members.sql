{{ replace(
    rows='key', key=member_id(), last_part='member_key', touch=member_id(), order_by=['cohort_date'],
    affected={
        'int_sessions_built': 'key', 'int_orders_attributed': 'key',
        'int_customers_acquired': 'key'
    }
) }}

with

sessions as (
    select * from {{ ref('int_sessions_built') }}
    where {{ only_touched_keys(join_key(['platform', 'visitor_key']), last_part='visitor_key') }}
),

orders as (
    select * from {{ ref('int_orders_attributed') }}
    where is_paid and customer_key is not null and {{ only_touched_keys('customer_key') }}
),

acquired as (
    select * from {{ ref('int_customers_acquired') }}
),

-- of ties in time the smallest value
visitors as (
    select
        platform,
        visitor_key as member_key,
        min({{ struct(['started_at', 'channel']) }}) as first_session,
        min(business_date) as cohort_date,
        max(business_date) as last_date
    from sessions
    group by platform, visitor_key
),

customers as (
    select
        min_by(orders.platform, orders.order_number) as platform,
        orders.customer_key as member_key,
        min(acquired.channel) as channel,
        min(orders.business_date) as cohort_date,
        max(orders.business_date) as last_date
    from orders
    inner join acquired on orders.customer_key = acquired.customer_key
    group by orders.customer_key
),

final as (
    select
        'visit' as kind,
        platform,
        member_key,
        first_session.channel,
        cohort_date,
        last_date
    from visitors
    union all
    select
        'purchase' as kind,
        platform,
        member_key,
        channel,
        cohort_date,
        last_date
    from customers
)

select * from final
