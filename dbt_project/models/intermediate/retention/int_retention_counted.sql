with

cells as (
    select * from {{ ref('int_retention_cells') }}
),

periods as (
    select * from {{ ref('int_calendar_periods') }}
    where grain in ('day', 'month')
),

placed as (
    select
        cohorts.grain,
        cells.kind,
        cells.platform,
        cells.channel,
        cohorts.period_start as cohort_start,
        cohorts.period_number as cohort_number,
        activity.period_number - cohorts.period_number as period_number,
        case when cohorts.grain = 'day' then cells.active_count else cells.month_active_count end
            as active_count,
        cells.last_count,
        cells.revenue,
        cells.margin,
        cells.unknown_margins
    from cells
    inner join periods as cohorts on cells.cohort_date = cohorts.business_date
    inner join periods as activity
        on cells.business_date = activity.business_date and cohorts.grain = activity.grain
),

final as (
    select
        grain,
        kind,
        case
            when platform is not null then 'platform'
            when channel is not null then 'channel'
            else 'all'
        end as dimension,
        coalesce(platform, channel, 'all') as segment,
        cohort_start,
        cohort_number,
        period_number,
        cast(sum(active_count) as bigint) as active_count,
        cast(sum(last_count) as bigint) as last_count,
        cast(sum(revenue) as decimal(18, 2)) as revenue,
        cast(sum(margin) as decimal(18, 2)) as margin,
        cast(sum(unknown_margins) as bigint) as unknown_margins
    from placed
    group by
        grouping sets (
            (grain, kind, cohort_start, cohort_number, period_number),
            (grain, kind, cohort_start, cohort_number, period_number, platform),
            (grain, kind, cohort_start, cohort_number, period_number, channel)
        )
)

select * from final
