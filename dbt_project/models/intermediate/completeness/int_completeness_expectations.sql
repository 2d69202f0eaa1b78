with arrived as (
    select * from {{ ref('int_completeness_days') }}
),

arrivals as (
    select * from {{ ref('int_completeness_arrivals') }}
),

-- the same weekday of the eight weeks before, without days on which nothing came
weekdays as (
    select
        arrived.source,
        arrived.feed,
        arrived.business_date,
        median(daily.arrived_rows) as expected_rows
    from arrived
    inner join arrived as daily
        on
            arrived.source = daily.source
            and arrived.feed = daily.feed
            and daily.arrived_rows > 0
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
