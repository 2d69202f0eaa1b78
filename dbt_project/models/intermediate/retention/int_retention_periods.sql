with

counted as (
    select * from {{ ref('int_retention_counted') }}
),

periods as (
    select * from {{ ref('int_calendar_periods') }}
),

horizons as (
    select * from {{ ref('int_completeness_horizons') }}
),

numbers as (
    select
        'day' as grain,
        days.period_number
    from (values ({{ var('retention_days') | join('), (') }})) as days (period_number)
    union all
    select
        'month' as grain,
        months.period_number
    from (values ({{ var('retention_months') | join('), (') }})) as months (period_number)
),

-- what comes between two listed periods is carried by the first of them
listed as (
    select
        *,
        lead(period_number, 1, 100000) over (partition by grain order by period_number)
            as next_number
    from numbers
),

-- the last period that has fully elapsed by the last complete day
elapsed as (
    select
        periods.grain,
        horizons.kind,
        horizons.platform,
        max(periods.period_number) as last_number
    from horizons
    inner join periods on horizons.last_complete_date >= periods.period_end
    group by periods.grain, horizons.kind, horizons.platform
),

-- numbered, for numbers are cheaper to join and group by than texts
cohorts as (
    select
        grain,
        kind,
        dimension,
        segment,
        cohort_start,
        cohort_number,
        row_number() over (order by grain, kind, dimension, segment, cohort_number) as cohort_id,
        cast(sum(last_count) as bigint) as cohort_size
    from counted
    group by grain, kind, dimension, segment, cohort_start, cohort_number
),

summed as (
    select
        cohorts.cohort_id,
        listed.period_number,
        sum(case when counted.period_number = listed.period_number then active_count end)
            as classic_count,
        sum(case when counted.period_number = listed.period_number then revenue end)
            as classic_revenue,
        sum(case when counted.period_number = listed.period_number then margin end)
            as classic_margin,
        sum(case when counted.period_number = listed.period_number then unknown_margins end)
            as classic_unknown,
        sum(counted.last_count) as last_count,
        sum(counted.revenue) as revenue,
        sum(counted.margin) as margin,
        sum(counted.unknown_margins) as unknown_margins
    from counted
    inner join cohorts
        on
            counted.grain = cohorts.grain
            and counted.kind = cohorts.kind
            and counted.dimension = cohorts.dimension
            and counted.segment = cohorts.segment
            and counted.cohort_start = cohorts.cohort_start
    inner join listed
        on
            counted.grain = listed.grain
            and counted.period_number >= listed.period_number
            and counted.period_number < listed.next_number
    group by cohorts.cohort_id, listed.period_number
),

-- who comes for the last time in a period or later has come back in it or later
reached as (
    select
        cohorts.*,
        listed.period_number,
        cohorts.cohort_number + listed.period_number <= elapsed.last_number as is_mature,
        summed.classic_count,
        summed.classic_revenue,
        summed.classic_margin,
        summed.classic_unknown,
        sum(summed.last_count) over from_here_on as unbounded_count,
        sum(summed.revenue) over from_here_on as unbounded_revenue,
        sum(summed.margin) over from_here_on as unbounded_margin,
        sum(summed.unknown_margins) over from_here_on as unbounded_unknown
    from cohorts
    inner join listed on cohorts.grain = listed.grain
    left join summed
        on cohorts.cohort_id = summed.cohort_id and listed.period_number = summed.period_number
    left join elapsed
        on
            cohorts.grain = elapsed.grain
            and cohorts.kind = elapsed.kind
            and case when cohorts.dimension = 'platform' then cohorts.segment else 'all' end
            = elapsed.platform
    window
        from_here_on as (partition by cohorts.cohort_id order by listed.period_number desc)
),

final as (
    {% for type in ['classic', 'unbounded'] %}
        select
            grain,
            cohort_start,
            kind,
            '{{ type }}' as retention_type,
            dimension,
            segment,
            period_number,
            cohort_size,
            case when is_mature then cast(coalesce({{ type }}_count, 0) as bigint) end
                as retained_count,
            case when is_mature then cast(coalesce({{ type }}_revenue, 0) as decimal(18, 2)) end
                as revenue,
            case
                when is_mature and coalesce({{ type }}_unknown, 0) = 0
                    then cast(coalesce({{ type }}_margin, 0) as decimal(18, 2))
            end as margin
        from reached
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from final
