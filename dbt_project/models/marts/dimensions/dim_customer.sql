with

orders as (
    select * from {{ ref('int_order_margins') }}
    where customer_key is not null
),

refunders as (
    select * from {{ ref('int_platforms_refunding') }}
),

acquired as (
    select * from {{ ref('int_customers_acquired') }}
),

lines as (
    select * from {{ ref('int_order_items_shared') }}
    where is_goods and is_paid and category is not null
),

scores as (
    select * from {{ ref('int_customers_scored') }}
),

segments as (
    select * from {{ ref('rfm_segments') }}
),

span as (
    select max(business_date) as last_date
    from {{ ref('int_calendar_days') }}
),

customers as (
    select
        customer_key,
        min(business_date) as first_order_date,
        max(business_date) as last_order_date,
        count(*) as orders,
        case
            when bool_and(platform in (select refunders.platform from refunders))
                then sum(net_amount)
        end as net_sales,
        string_agg(distinct platform, ', ' order by platform) as platforms
    from orders
    group by customer_key
),

channels as (
    select
        customer_key,
        channel
    from orders
    group by customer_key, channel
    qualify
        row_number() over (
            partition by customer_key
            order by count(*) desc, max(order_number) desc, channel asc
        ) = 1
),

categories as (
    select
        orders.customer_key,
        lines.category
    from lines
    inner join orders on lines.main_order_key = orders.main_order_key
    group by orders.customer_key, lines.category
    qualify
        row_number() over (
            partition by orders.customer_key
            order by sum(lines.line_amount) desc, lines.category asc
        ) = 1
),

final as (
    select
        customers.customer_key,
        customers.first_order_date,
        customers.last_order_date,
        cast(customers.orders as bigint) as orders,
        cast(customers.net_sales as decimal(18, 2)) as net_sales,
        {{ days_from('customers.last_order_date', 'span.last_date') }} as recency_days,
        customers.platforms,
        acquired.channel as first_channel,
        channels.channel as preferred_channel,
        categories.category as preferred_category,
        scores.r_score,
        scores.f_score,
        scores.m_score,
        segments.rfm_segment
    from customers
    cross join span
    inner join acquired on customers.customer_key = acquired.customer_key
    left join channels on customers.customer_key = channels.customer_key
    left join categories on customers.customer_key = categories.customer_key
    left join scores on customers.customer_key = scores.customer_key
    left join segments
        on
            scores.r_score = segments.r_score
            and scores.f_score = segments.f_score
            and scores.m_score = segments.m_score
)

select * from final
