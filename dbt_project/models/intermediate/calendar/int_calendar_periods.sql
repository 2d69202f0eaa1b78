with days as (
    select * from {{ ref('int_calendar_days') }}
),

placed as (
    select
        business_date,
        ({{ iso_weekday('business_date') }} + {{ 7 if var('week_start') == 'sunday' else 6 }}) % 7
            as days_into_week,
        cast(extract(day from business_date) as integer) - 1 as days_into_month
    from days
),

periods as (
    select
        business_date,
        'day' as grain,
        business_date as period_start,
        business_date as period_end
    from placed
    union all
    select
        business_date,
        'week' as grain,
        business_date - days_into_week as period_start,
        business_date - days_into_week + 6 as period_end
    from placed
    union all
    select
        business_date,
        'month' as grain,
        business_date - days_into_month as period_start,
        last_day(business_date) as period_end
    from placed
),

final as (
    select
        *,
        cast(dense_rank() over (partition by grain order by period_start) as integer)
            as period_number,
        count(*) over (partition by grain, period_start)
        = {{ days_from('period_start', 'period_end') }} + 1 as is_complete
    from periods
)

select * from final
