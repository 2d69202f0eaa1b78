with days as (
    select * from {{ ref('int_calendar_periods') }}
    where grain in ('week', 'month') and is_complete
),

periods as (
    select distinct
        grain,
        period_start,
        period_end,
        case
            when grain = 'week' then period_start - 364
            else cast(period_start - interval 12 months as date)
        end as year_before_start
    from days
),

final as (
    select
        periods.*,
        previous.period_start as previous_start,
        {{ days_from('periods.period_start', 'periods.period_end') }} + 1 as day_count
    from periods
    left join periods as previous
        on periods.grain = previous.grain and previous.period_end = periods.period_start - 1
)

select * from final
