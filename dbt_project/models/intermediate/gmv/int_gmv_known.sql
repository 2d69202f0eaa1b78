with periods as (
    select distinct
        grain,
        period_start,
        period_end
    from {{ ref('int_calendar_periods') }}
),

orders as (
    select * from {{ ref('stg_raw__orders') }}
),

sessions as (
    select * from {{ ref('int_sessions_built') }}
),

traffic as (
    select * from {{ ref('stg_raw__traffic_daily') }}
    where grain = 'shop'
),

sold as (
    select
        platform,
        min(least(order_date, coalesce(business_date, order_date))) as first_date
    from orders
    group by platform
),

visits as (
    select
        platform,
        business_date
    from sessions
    union all
    select
        platform,
        traffic_date as business_date
    from traffic
),

visited as (
    select
        platform,
        min(business_date) as first_date,
        max(business_date) as last_date
    from visits
    group by platform
),

platforms as (
    select platform from sold
    union
    select platform from visited
),

final as (
    select
        periods.grain,
        periods.period_start,
        platforms.platform,
        coalesce(periods.period_end >= sold.first_date, false) as is_sales_known,
        coalesce(
            periods.period_end >= visited.first_date
            and periods.period_start <= visited.last_date,
            false
        ) as is_traffic_known
    from periods
    cross join platforms
    left join sold on platforms.platform = sold.platform
    left join visited on platforms.platform = visited.platform
)

select * from final
