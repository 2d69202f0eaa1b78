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

-- events tell of every day between the first and the last, totals only of their own
visited as (
    select
        platform,
        min(business_date) as first_date,
        max(business_date) as last_date
    from sessions
    group by platform
),

refunders as (
    select * from {{ ref('int_platforms_refunding') }}
),

reported as (
    select distinct
        platform,
        traffic_date
    from traffic
),

platforms as (
    select platform from sold
    union
    select platform from visited
    union
    select platform from reported
),

final as (
    select
        periods.grain,
        periods.period_start,
        platforms.platform,
        coalesce(periods.period_end >= sold.first_date, false) as is_sales_known,
        refunders.platform is not null as is_refunds_known,
        coalesce(
            periods.period_end >= visited.first_date
            and periods.period_start <= visited.last_date,
            false
        ) or reported.platform is not null as is_traffic_known
    from periods
    cross join platforms
    left join sold on platforms.platform = sold.platform
    left join refunders on platforms.platform = refunders.platform
    left join visited on platforms.platform = visited.platform
    left join reported
        on
            platforms.platform = reported.platform
            and periods.period_start = reported.traffic_date
            and periods.grain = 'day'
)

select * from final
