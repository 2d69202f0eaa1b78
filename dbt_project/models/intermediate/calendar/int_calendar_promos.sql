with platforms as (
    select * from {{ source('raw', 'calendar_countries') }}
),

own_events as (
    select * from {{ source('raw', 'calendar_events') }}
),

sales as (
    select * from {{ ref('promo_calendar') }}
),

holidays as (
    select * from {{ ref('holiday_calendar') }}
    where days > 0
),

shipped as (
    select
        platforms.platform,
        sales.promo,
        sales.promo_year,
        sales.phase,
        case when sales.phase = 'holiday' then 'holiday' else 'sale' end as kind,
        sales.starts_at,
        sales.ends_at,
        sales.label_en,
        sales.label_zh
    from sales
    inner join platforms
        on
            sales.country = platforms.country
            and coalesce(sales.platform, platforms.platform) = platforms.platform
    union all
    select
        platforms.platform,
        holidays.holiday as promo,
        cast(extract(year from holidays.holiday_date) as integer) as promo_year,
        'holiday' as phase,
        'holiday' as kind,
        cast(holidays.holiday_date as timestamp) as starts_at,
        cast(holidays.holiday_date + holidays.days as timestamp) as ends_at,
        holidays.label_en,
        holidays.label_zh
    from holidays
    inner join platforms on holidays.country = platforms.country
),

-- what shop.yml adds or removes, on each platform it is of
own as (
    select
        platforms.platform,
        own_events.name as promo,
        cast(extract(year from own_events.first_date) as integer) as promo_year,
        own_events.phase,
        own_events.kind,
        cast(own_events.first_date as timestamp) as starts_at,
        cast(own_events.last_date + 1 as timestamp) as ends_at,
        own_events.label as label_en,
        own_events.label as label_zh
    from own_events
    inner join platforms on coalesce(own_events.platform, platforms.platform) = platforms.platform
),

-- an own event takes the place of the shipped one of its name and year
kept as (
    select shipped.*
    from shipped
    where
        not exists (
            select 1
            from own
            where
                own.platform = shipped.platform
                and own.promo = shipped.promo
                and (own.kind = 'removed' or own.promo_year = shipped.promo_year)
        )
    union all
    select * from own
    where kind != 'removed'
),

whole_days as (
    select
        *,
        cast(starts_at as date)
        + case when starts_at > cast(cast(starts_at as date) as timestamp) then 1 else 0 end
            as start_date,
        cast(ends_at as date) - 1 as end_date
    from kept
),

final as (
    select
        promo,
        cast(promo_year as integer) as promo_year,
        platform,
        phase,
        kind,
        label_en,
        label_zh,
        {{ reporting_to_utc('starts_at') }} as starts_at,
        {{ reporting_to_utc('ends_at') }} as ends_at,
        start_date,
        end_date,
        cast(greatest({{ days_from('start_date', 'end_date') }} + 1, 0) as integer) as day_count
    from whole_days
)

select * from final
