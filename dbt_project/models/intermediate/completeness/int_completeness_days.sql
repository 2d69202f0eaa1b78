with sources as (
    select * from {{ source('raw', 'sources') }}
),

data_days as (
    select * from {{ ref('int_calendar_days') }}
),

data_end as (
    select max(business_date) as last_date from data_days
),

delivery_end as (
    select max(expected_until) as expected_until from sources
),

-- days that should be there by now and of which nothing came from anywhere; a shop that stopped
-- is missed for two weeks, then it is one of the past
missed_days as (
    select
        {{ each_day(
            'data_end.last_date + 1',
            'least(delivery_end.expected_until, data_end.last_date + 14)'
        ) }} as business_date
    from data_end
    cross join delivery_end
    where delivery_end.expected_until > data_end.last_date
),

days as (
    select business_date from data_days
    union all
    select business_date from missed_days
),

arrivals as (
    select * from {{ ref('int_completeness_arrivals') }}
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

-- days of files that a manifest announces and that have not come
announced as (
    select distinct
        announced.source,
        announced.feed,
        days.business_date
    from {{ source('raw', 'announced') }} as announced
    inner join days
        on
            announced.first_date <= days.business_date
            and announced.last_date >= days.business_date
),

final as (
    select
        sources.source,
        sources.platform,
        sources.shop_id,
        sources.feed,
        sources.is_expected_daily
        and coalesce(days.business_date <= sources.delivers_until, true) as is_expected_daily,
        sources.feed in ('orders', 'events')
        or coalesce(sources.is_expected_daily and sources.instant_kind = 'instant', false)
            as is_intraday,
        coalesce(sources.instant_kind = 'day', false) as is_total,
        announced.business_date is not null as is_file_missing,
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
    left join announced
        on
            sources.source = announced.source
            and sources.feed = announced.feed
            and days.business_date = announced.business_date
)

select * from final
