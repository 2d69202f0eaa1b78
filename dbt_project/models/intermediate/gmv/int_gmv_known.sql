with periods as (
    select * from {{ ref('int_calendar_periods') }}
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

gaps as (
    select * from {{ ref('int_completeness_gaps') }}
    where is_lost
),

sold as (
    select
        platform,
        min(least(order_date, coalesce(business_date, order_date))) as first_date,
        max(greatest(order_date, coalesce(business_date, order_date))) as last_date
    from orders
    group by platform
),

-- what was ordered before and paid on a day of which no order came is a part of it
paid as (
    select distinct
        platform,
        business_date
    from orders
    where business_date is not null
),

lost_sales as (
    select
        gaps.platform,
        gaps.business_date
    from gaps
    left join paid on gaps.platform = paid.platform and gaps.business_date = paid.business_date
    where gaps.kind = 'purchase' and paid.platform is null
),

-- eight weeks after the last order none is expected any more, and still none was told of
ended as (
    select distinct
        sold.platform,
        sold.last_date + 56 as last_expected_date
    from sold
    inner join lost_sales
        on sold.platform = lost_sales.platform and sold.last_date < lost_sales.business_date
),

lost_visits as (
    select
        platform,
        business_date
    from gaps
    where kind = 'visit'
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

days as (
    select
        periods.grain,
        periods.period_start,
        platforms.platform,
        coalesce(periods.business_date >= sold.first_date, false) as has_sold,
        coalesce(periods.business_date >= sold.first_date, false)
        and lost_sales.platform is null
        and coalesce(periods.business_date <= ended.last_expected_date, true) as is_sales_known,
        refunders.platform is not null as is_refunds_known,
        coalesce(periods.business_date between visited.first_date and visited.last_date, false)
        and lost_visits.platform is null as is_tracked,
        reported.platform is not null as is_reported
    from periods
    cross join platforms
    left join sold on platforms.platform = sold.platform
    left join ended on platforms.platform = ended.platform
    left join refunders on platforms.platform = refunders.platform
    left join visited on platforms.platform = visited.platform
    left join lost_sales
        on
            platforms.platform = lost_sales.platform
            and periods.business_date = lost_sales.business_date
    left join lost_visits
        on
            platforms.platform = lost_visits.platform
            and periods.business_date = lost_visits.business_date
    left join reported
        on
            platforms.platform = reported.platform
            and periods.business_date = reported.traffic_date
            and periods.grain = 'day'
),

-- a longer period is known as far as any of its days is
final as (
    select
        grain,
        period_start,
        platform,
        bool_or(has_sold) as has_sold,
        bool_or(is_sales_known) as is_sales_known,
        bool_or(is_refunds_known) as is_refunds_known,
        bool_or(is_tracked) as is_tracked,
        bool_or(is_tracked or is_reported) as is_traffic_known
    from days
    group by grain, period_start, platform
)

select * from final
