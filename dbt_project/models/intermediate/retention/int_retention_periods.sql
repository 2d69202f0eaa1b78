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

past_gaps as (
    select * from {{ ref('int_completeness_gaps') }}
    where is_past
),

-- days with a gap of each period, of a platform and of any
gaps as (
    select
        periods.grain,
        periods.period_number,
        past_gaps.kind,
        coalesce(past_gaps.platform, 'all') as platform,
        count(distinct past_gaps.business_date) as gap_day_count
    from past_gaps
    inner join periods on past_gaps.business_date = periods.business_date
    group by
        grouping sets (
            (periods.grain, periods.period_number, past_gaps.kind),
            (periods.grain, periods.period_number, past_gaps.kind, past_gaps.platform)
        )
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
        case when dimension = 'platform' then segment else 'all' end as platform,
        dense_rank() over (order by grain, kind, dimension, segment, cohort_start) as cohort_id,
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
        coalesce(first_gaps.gap_day_count, 0) as first_gap_count,
        case when listed.period_number > 0 then coalesce(own_gaps.gap_day_count, 0) else 0 end
            as own_gap_count,
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
            and cohorts.platform = elapsed.platform
    left join gaps as first_gaps
        on
            cohorts.grain = first_gaps.grain
            and cohorts.kind = first_gaps.kind
            and cohorts.platform = first_gaps.platform
            and cohorts.cohort_number = first_gaps.period_number
    left join gaps as own_gaps
        on
            cohorts.grain = own_gaps.grain
            and cohorts.kind = own_gaps.kind
            and cohorts.platform = own_gaps.platform
            and cohorts.cohort_number + listed.period_number = own_gaps.period_number
    window
        from_here_on as (partition by cohorts.cohort_id order by listed.period_number desc)
),

-- A day with a gap says nothing: neither of who first came on it, nor of who came back on it. Who
-- is active on it or later is told by the days after. A month is known but for its days with gaps.
known as (
    select
        *,
        is_mature and (grain = 'month' or first_gap_count + own_gap_count = 0)
            as is_classic_known,
        is_mature and (grain = 'month' or first_gap_count = 0) as is_unbounded_known
    from reached
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
            case when is_{{ type }}_known then cast(coalesce({{ type }}_count, 0) as bigint) end
                as retained_count,
            case
                when is_{{ type }}_known
                    then cast(coalesce({{ type }}_revenue, 0) as decimal(18, 2))
            end as revenue,
            case
                when is_{{ type }}_known and coalesce({{ type }}_unknown, 0) = 0
                    then cast(coalesce({{ type }}_margin, 0) as decimal(18, 2))
            end as margin,
            cast(first_gap_count + own_gap_count as integer) as gap_day_count
        from known
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from final
