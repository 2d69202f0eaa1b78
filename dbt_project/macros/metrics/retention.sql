{# Days or months after the first one that retention is looked at, from 0 on. #}
{% macro retention_periods(grain) -%}
    {{ return(var('retention_days' if grain == 'day' else 'retention_months')) }}
{%- endmacro %}

{# The last listed period that is not after the given one. #}
{% macro listed_period(grain, period) -%}
    case
        {%- for listed in retention_periods(grain) | reverse %}
        when {{ period }} >= {{ listed }} then {{ listed }}
        {%- endfor %}
    end
{%- endmacro %}

{# Retention of cohorts by days or months after the first one, from int_retention_cells.

   classic    what came in exactly the listed period
   unbounded  what came in it or later; a listed period carries whatever lies between it and the
              next

   All is NULL until the period has fully elapsed by the last complete day of the data. #}
{% macro retention(grain) %}
{%- set keys = ['kind', 'cohort', 'listed_period'] -%}
{%- set measures = ['count', 'revenue', 'margin', 'unknown'] -%}
{%- set active = 'active_count' if grain == 'day' else 'month_active_count' -%}
with

cells as (
    select
        *,
        {{ period_start(grain, 'cohort_date') }} as cohort,
        {{ periods_between(grain, 'cohort_date', 'business_date') }} as period_number
    from {{ ref('int_retention_cells') }}
),

horizons as (
    select * from {{ ref('int_completeness_horizons') }}
),

listed as (
    select
        *,
        {{ listed_period(grain, 'period_number') }} as listed_period
    from cells
),

periods as (
    select cast(period_number as integer) as period_number
    from (values ({{ retention_periods(grain) | join('), (') }})) as numbers (period_number)
),

counted as (
    select
        kind,
        case
            when platform is not null then 'platform'
            when channel is not null then 'channel'
            else 'all'
        end as dimension,
        coalesce(platform, channel, 'all') as segment,
        cohort,
        listed_period,
        sum(case when business_date = cohort_date then active_count else 0 end) as cohort_size,
        sum(case when period_number = listed_period then {{ active }} else 0 end) as classic_count,
        sum(case when period_number = listed_period then revenue else 0 end) as classic_revenue,
        sum(case when period_number = listed_period then margin else 0 end) as classic_margin,
        sum(case when period_number = listed_period then unknown_margins else 0 end)
            as classic_unknown,
        cast(sum(last_count) as bigint) as unbounded_count,
        cast(sum(revenue) as decimal(18, 2)) as unbounded_revenue,
        cast(sum(margin) as decimal(18, 2)) as unbounded_margin,
        cast(sum(unknown_margins) as bigint) as unbounded_unknown
    from listed
    group by
        grouping sets (
            ({{ keys | join(', ') }}),
            ({{ keys | join(', ') }}, platform),
            ({{ keys | join(', ') }}, channel)
        )
),

-- numbered, for numbers are cheaper to join and group by than texts
cohorts as (
    select
        sized.*,
        row_number() over (order by sized.kind, sized.dimension, sized.segment, sized.cohort)
            as cohort_number,
        horizons.last_complete_date
    from (
        select
            kind,
            dimension,
            segment,
            cohort,
            cast(sum(cohort_size) as bigint) as cohort_size
        from counted
        group by kind, dimension, segment, cohort
    ) as sized
    left join horizons
        on
            sized.kind = horizons.kind
            and horizons.platform
            = case when sized.dimension = 'platform' then sized.segment else 'all' end
),

-- from the last listed period backwards; a period without rows is left out
accumulated as (
    select
        cohorts.cohort_number,
        counted.listed_period,
        coalesce(
            lag(counted.listed_period) over (
                partition by cohorts.cohort_number
                order by counted.listed_period
            ),
            -1
        ) as previous_period,
        {{ each_of(measures, "counted.classic_@") }},
        {{ each_of(measures, "sum(counted.unbounded_@) over ("
            ~ "partition by cohorts.cohort_number order by counted.listed_period desc"
            ~ " rows between unbounded preceding and current row) as unbounded_@") }}
    from counted
    inner join cohorts
        on
            counted.kind = cohorts.kind
            and counted.dimension = cohorts.dimension
            and counted.segment = cohorts.segment
            and counted.cohort = cohorts.cohort
),

-- what comes in a period or later also comes in the ones left out before it, or later
reached as (
    select
        accumulated.cohort_number,
        periods.period_number,
        {{ each_of(measures, "case when accumulated.listed_period = periods.period_number"
            ~ " then accumulated.classic_@ else 0 end as classic_@") }},
        {{ each_of(measures, "accumulated.unbounded_@") }}
    from accumulated
    inner join periods
        on
            accumulated.listed_period >= periods.period_number
            and accumulated.previous_period < periods.period_number
),

filled as (
    select
        cohorts.*,
        periods.period_number,
        coalesce(
            {{ period_end(grain, 'cohorts.cohort', 'periods.period_number') }}
            <= cohorts.last_complete_date,
            false
        ) as is_mature,
        {{ each_of(measures, "coalesce(reached.classic_@, 0) as classic_@") }},
        {{ each_of(measures, "coalesce(reached.unbounded_@, 0) as unbounded_@") }}
    from cohorts
    cross join periods
    left join reached
        on
            cohorts.cohort_number = reached.cohort_number
            and periods.period_number = reached.period_number
),

typed as (
    {% for type in ['classic', 'unbounded'] %}
    select
        *,
        '{{ type }}' as retention_type,
        case when is_mature then {{ type }}_count end as retained_count,
        case when is_mature then {{ type }}_revenue end as revenue,
        case when is_mature and {{ type }}_unknown = 0 then {{ type }}_margin end as margin
    from filled
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

final as (
    select
        cohort as cohort_{{ 'date' if grain == 'day' else 'month' }},
        kind,
        retention_type,
        dimension,
        segment,
        period_number,
        cast(cohort_size as bigint) as cohort_size,
        cast(retained_count as bigint) as retained_count,
        {{ ratio('retained_count', 'cohort_size') }} as retention_rate,
        cast(revenue as decimal(18, 2)) as revenue,
        cast(margin as decimal(18, 2)) as margin
    from typed
)

select * from final
{% endmacro %}
