with countries as (
    select distinct country from {{ source('raw', 'calendar_countries') }}
),

calendar as (
    select * from {{ ref('holiday_calendar') }}
),

-- two countries may share a day and its name
final as (
    select distinct
        calendar.holiday_date,
        calendar.holiday,
        calendar.label_en,
        calendar.label_zh
    from calendar
    inner join countries on calendar.country = countries.country
)

select * from final
