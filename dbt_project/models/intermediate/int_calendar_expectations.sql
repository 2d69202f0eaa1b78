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

arrived as (
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
),

-- the same weekday of the eight weeks before, without days on which nothing came
weekdays as (
    select
        arrived.source,
        arrived.feed,
        arrived.business_date,
        median(daily.arrived_rows) as expected_rows
    from arrived
    inner join daily
        on
            arrived.source = daily.source
            and arrived.feed = daily.feed
            and daily.business_date between arrived.business_date - 56
            and arrived.business_date - 7
            and {{ days_from('daily.business_date', 'arrived.business_date') }} % 7 = 0
    group by arrived.source, arrived.feed, arrived.business_date
),

recent as (
    select
        arrived.source,
        arrived.feed,
        arrived.business_date,
        count(*) as day_count,
        min(earlier.last_hour) as earliest_last_hour,
        median(earlier.last_hour) as usual_last_hour
    from arrived
    inner join arrived as earlier
        on
            arrived.source = earlier.source
            and arrived.feed = earlier.feed
            and earlier.business_date between arrived.business_date - 28
            and arrived.business_date - 1
    where arrived.is_intraday and earlier.arrived_rows > 0
    group by arrived.source, arrived.feed, arrived.business_date
),

later as (
    select
        arrived.source,
        arrived.feed,
        arrived.business_date,
        sum(arrivals.arrived_rows) as later_rows
    from arrived
    inner join arrivals
        on
            arrived.source = arrivals.source
            and arrived.feed = arrivals.feed
            and arrived.business_date - 28 <= arrivals.business_date
            and arrived.business_date - 1 >= arrivals.business_date
            and arrived.last_hour < arrivals.local_hour
    where arrived.is_intraday
    group by arrived.source, arrived.feed, arrived.business_date
),

final as (
    select
        arrived.*,
        weekdays.expected_rows,
        recent.earliest_last_hour,
        cast(floor(recent.usual_last_hour) as integer) as expected_last_hour,
        {{ ratio('later.later_rows', 'recent.day_count') }} as expected_later_rows
    from arrived
    left join weekdays
        on
            arrived.source = weekdays.source
            and arrived.feed = weekdays.feed
            and arrived.business_date = weekdays.business_date
    left join recent
        on
            arrived.source = recent.source
            and arrived.feed = recent.feed
            and arrived.business_date = recent.business_date
    left join later
        on
            arrived.source = later.source
            and arrived.feed = later.feed
            and arrived.business_date = later.business_date
)

select * from final
