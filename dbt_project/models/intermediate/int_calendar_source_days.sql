with sources as (
    select * from {{ source('raw', 'sources') }}
),

days as (
    select * from {{ ref('int_calendar_days') }}
),

arrivals as (
    select * from {{ ref('int_calendar_arrivals') }}
),

daily as (
    select
        source,
        feed,
        business_date,
        sum(arrived_rows) as arrived_rows,
        min(first_at) as first_at,
        max(last_at) as last_at,
        max(last_purchase_at) as last_purchase_at
    from arrivals
    group by source, feed, business_date
),

final as (
    select
        sources.*,
        sources.feed in ('orders', 'events') as is_intraday,
        days.business_date,
        coalesce(daily.arrived_rows, 0) as arrived_rows,
        daily.first_at,
        daily.last_at,
        {{ hour_of_day('daily.last_at') }} as last_hour,
        {{ hour_of_day('daily.last_purchase_at') }} as last_purchase_hour
    from sources
    cross join days
    left join daily
        on
            sources.source = daily.source
            and sources.feed = daily.feed
            and days.business_date = daily.business_date
)

select * from final
