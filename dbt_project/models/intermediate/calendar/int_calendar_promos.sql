with calendar as (
    select * from {{ ref('promo_calendar') }}
),

whole_days as (
    select
        *,
        cast(starts_at as date)
        + case when starts_at > cast(cast(starts_at as date) as timestamp) then 1 else 0 end
            as start_date,
        cast(ends_at as date) - 1 as end_date
    from calendar
),

final as (
    select
        promo,
        cast(promo_year as integer) as promo_year,
        platform,
        phase,
        {{ reporting_to_utc('starts_at') }} as starts_at,
        {{ reporting_to_utc('ends_at') }} as ends_at,
        start_date,
        end_date,
        cast(greatest({{ days_from('start_date', 'end_date') }} + 1, 0) as integer) as day_count
    from whole_days
)

select * from final
