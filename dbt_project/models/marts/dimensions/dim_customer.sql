with

orders as (
    select
        margins.*,
        refunders.platform as refunding_platform
    from {{ ref('int_order_margins') }} as margins
    left join {{ ref('int_platforms_refunding') }} as refunders
        on margins.platform = refunders.platform
    where margins.customer_key is not null
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

listed as (
    select * from {{ ref('stg_raw__customers') }}
    where member_tier is not null
),

lives as (
    select max(window_days) as window_days
    from {{ ref('int_lifecycle_cells') }}
    where kind = 'purchase'
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
        case when count(*) = count(refunding_platform) then sum(net_amount) end as net_sales
    from orders
    group by customer_key
),

platforms as (
    select
        customer_key,
        {{ joined_text('platform', ', ', 'platform') }} as platforms
    from (
        select distinct
            customer_key,
            platform
        from orders
    ) as bought_on
    group by customer_key
),

channel_orders as (
    select
        customer_key,
        channel,
        count(*) as orders,
        max(order_number) as last_order_number
    from orders
    group by customer_key, channel
),

channels as (
    select
        customer_key,
        channel
    from channel_orders
    qualify
        row_number() over (
            partition by customer_key
            order by orders desc, last_order_number desc, channel asc
        ) = 1
),

category_amounts as (
    select
        orders.customer_key,
        lines.category,
        sum(lines.line_amount) as amount
    from lines
    inner join orders on lines.main_order_key = orders.main_order_key
    group by orders.customer_key, lines.category
),

categories as (
    select
        customer_key,
        category
    from category_amounts
    qualify
        row_number() over (
            partition by customer_key
            order by amount desc, category asc
        ) = 1
),

-- the list may call a customer by another name than orders do
named as (
    select
        customer_key,
        member_tier,
        updated_at,
        source
    from listed
    union all
    select
        other_key as customer_key,
        member_tier,
        updated_at,
        source
    from listed
    where other_key is not null
),

-- told twice, the latest counts
tiers as (
    select
        customer_key,
        member_tier
    from named
    qualify
        row_number() over (
            partition by customer_key
            order by updated_at desc nulls last, source asc, member_tier asc
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
        case
            when {{ days_from('customers.last_order_date', 'span.last_date') }} > 365 then 'lost'
            when
                {{ days_from('customers.last_order_date', 'span.last_date') }}
                > lives.window_days then 'churned'
            when customers.first_order_date = customers.last_order_date then 'new'
            else 'retained'
        end as lifecycle_stage,
        tiers.member_tier,
        platforms.platforms,
        acquired.channel as first_channel,
        channels.channel as preferred_channel,
        categories.category as preferred_category,
        scores.r_score,
        scores.f_score,
        scores.m_score,
        segments.rfm_segment
    from customers
    cross join span
    cross join lives
    inner join platforms on customers.customer_key = platforms.customer_key
    inner join acquired on customers.customer_key = acquired.customer_key
    left join channels on customers.customer_key = channels.customer_key
    left join categories on customers.customer_key = categories.customer_key
    left join tiers on customers.customer_key = tiers.customer_key
    left join scores
        on customers.customer_key = scores.customer_key and span.last_date = scores.as_of_date
    left join segments
        on
            scores.r_score = segments.r_score
            and scores.f_score = segments.f_score
            and scores.m_score = segments.m_score
)

select * from final
