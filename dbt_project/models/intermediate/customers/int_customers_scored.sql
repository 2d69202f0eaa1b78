with

orders as (
    select * from {{ ref('int_order_margins') }}
    where customer_key is not null
),

span as (
    select max(business_date) as last_date
    from {{ ref('int_calendar_days') }}
),

-- who got everything back is no customer of the year
year as (
    select
        orders.customer_key,
        min({{ days_from('orders.business_date', 'span.last_date') }}) as recency_days,
        count(*) as orders,
        sum(orders.net_amount) as net_sales
    from orders
    cross join span
    where orders.business_date > span.last_date - 365
    group by orders.customer_key
    having sum(orders.net_amount) > 0
),

-- equal values have equal ranks, also where most bought once
ranked as (
    select
        *,
        percent_rank() over (order by recency_days desc) as r_rank,
        percent_rank() over (order by orders) as f_rank,
        percent_rank() over (order by net_sales) as m_rank
    from year
),

-- 1 to 5 from a rank between 0 and 1
final as (
    select
        customer_key,
        recency_days,
        orders,
        net_sales,
        1 + least(cast(floor(5 * r_rank) as integer), 4) as r_score,
        1 + least(cast(floor(5 * f_rank) as integer), 4) as f_score,
        1 + least(cast(floor(5 * m_rank) as integer), 4) as m_score
    from ranked
)

select * from final
