with holidays as (
    select * from {{ ref('int_calendar_holidays') }}
),

promos as (
    select * from {{ ref('int_calendar_promos') }}
),

days as (
    select
        {{ each_day(
            "date '" ~ var('calendar_first_date', '2022-01-01') ~ "'",
            "date '" ~ var('calendar_last_date', '2030-12-31') ~ "'"
        ) }} as business_date
),

-- the sales events whose shape is learned from year to year, by days around their main day
events (event, event_month, event_day, first_offset, last_offset) as (
    values
    ('618', 6, 18, -3, 3),
    ('double_11', 11, 11, -3, 3),
    ('double_12', 12, 12, -3, 3)
),

main_days as (
    select
        events.event,
        days.business_date as event_date,
        events.first_offset,
        events.last_offset
    from days
    inner join events
        on
            extract(month from days.business_date) = events.event_month
            and extract(day from days.business_date) = events.event_day
    union all
    select
        'lunar_new_year' as event,
        holiday_date as event_date,
        -7 as first_offset,
        10 as last_offset
    from holidays
    where holiday = 'lunar_new_year'
),

-- where a platform has the event that year
event_days as (
    select * from main_days
    where
        exists (
            select 1
            from promos
            where
                promos.promo = main_days.event
                and promos.promo_year = extract(year from main_days.event_date)
        )
),

lunar_new_years as (
    select distinct holiday_date as lunar_new_year_date
    from holidays
    where holiday = 'lunar_new_year'
),

-- a day that is two holidays carries both names
named as (
    select
        holiday_date,
        {{ joined_text('label_en', ', ', 'label_en') }} as holiday_en,
        {{ joined_text('label_zh', '、', 'label_en') }} as holiday_zh
    from (
        select distinct
            holiday_date,
            label_en,
            label_zh
        from holidays
    ) as labels
    group by holiday_date
),

final as (
    select
        days.business_date,
        cast(extract(year from days.business_date) as integer) as calendar_year,
        cast(extract(quarter from days.business_date) as integer) as calendar_quarter,
        cast(extract(month from days.business_date) as integer) as calendar_month,
        -- the year of the week's Thursday
        cast(
            extract(year from days.business_date + (4 - {{ iso_weekday('days.business_date') }}))
            as integer
        ) as iso_year,
        cast(extract(week from days.business_date) as integer) as iso_week,
        {{ iso_weekday('days.business_date') }} as weekday,
        {{ iso_weekday('days.business_date') }} >= 6 as is_weekend,
        named.holiday_en,
        named.holiday_zh,
        {{ days_from('lunar_new_years.lunar_new_year_date', 'days.business_date') }}
            as lunar_new_year_offset,
        event_days.event,
        {{ days_from('event_days.event_date', 'days.business_date') }} as event_offset
    from days
    left join named on days.business_date = named.holiday_date
    left join lunar_new_years
        on
            days.business_date >= lunar_new_years.lunar_new_year_date - 30
            and days.business_date <= lunar_new_years.lunar_new_year_date + 20
    left join event_days
        on
            days.business_date >= event_days.event_date + event_days.first_offset
            and days.business_date <= event_days.event_date + event_days.last_offset
)

select * from final
