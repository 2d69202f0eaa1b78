{#
The figures of the weekly and the monthly review. Sums and ratios of sums come from days; what is
counted by persons comes from its own week or month and has no figure of several of them.
#}
{% set counted = ['conversion_rate', 'gmv_per_buyer', 'repeat_purchase_rate', 'visitors'] %}
{% set spans = ['month', 'quarter', 'year'] %}
with periods as (
    select * from {{ ref('int_review_periods') }}
),

parts as (
    select * from {{ ref('int_review_parts') }}
),

calendar as (
    select min(business_date) as first_date from {{ ref('int_calendar_days') }}
),

totals as (
    select * from {{ ref('int_gmv_totals') }}
    where dimension = 'all'
),

spans as (
    select
        *,
        'own' as span,
        period_start as span_start
    from periods
    {% for span in spans %}
        union all
        select
            *,
            '{{ span }}' as span,
            cast(date_trunc('{{ span }}', period_end) as date) as span_start
        from periods
    {% endfor %}
),

summed as (
    select
        spans.grain,
        spans.period_start,
        spans.span,
        parts.metric,
        case
            when bool_or(parts.is_ratio)
                then case
                    when count(parts.numerator) = count(*) and count(parts.denominator) = count(*)
                        then {{ ratio('sum(parts.numerator)', 'sum(parts.denominator)') }}
                end
            when
                count(parts.numerator)
                = {{ days_from('min(spans.span_start)', 'min(spans.period_end)') }} + 1
                then cast(sum(parts.numerator) as double)
        end as value
    from spans
    inner join calendar on spans.span_start >= calendar.first_date
    inner join parts on parts.business_date between spans.span_start and spans.period_end
    group by spans.grain, spans.period_start, spans.span, parts.metric
),

whole as (
    select
        grain,
        period_start,
        metric,
        {% for span in spans %}
            max(case when span = '{{ span }}' then value end) as {{ span }}_to_date_value,
        {% endfor %}
        max(case when span = 'own' then value end) as value
    from summed
    group by grain, period_start, metric
),

-- visitors of a part of the period are no figure of it
persons as (
    {% for metric in counted %}
        select
            periods.grain,
            periods.period_start,
            '{{ metric }}' as metric,
            {% if metric in ('visitors', 'conversion_rate') %}
                case
                    when totals.visitors_day_count = periods.day_count
                        then cast(totals.{{ metric }} as double)
                end as value
            {% else %}
                cast(totals.{{ metric }} as double) as value
            {% endif %}
        from periods
        inner join totals
            on periods.grain = totals.grain and periods.period_start = totals.period_start
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

figures as (
    select * from whole
    union all
    select
        grain,
        period_start,
        metric,
        {% for span in spans %}
            cast(null as double) as {{ span }}_to_date_value,
        {% endfor %}
        value
    from persons
),

planned as (
    select
        periods.grain,
        periods.period_start,
        targets.metric,
        case
            when count(*) < max(periods.day_count) then null
            when periods.grain = 'month' then max(targets.month_target)
            else sum(targets.target)
        end as target
    from periods
    inner join {{ ref('fct_targets_daily') }} as targets
        on targets.business_date between periods.period_start and periods.period_end
    where targets.dimension = 'all'
    group by periods.grain, periods.period_start, targets.metric
),

final as (
    select
        figures.grain,
        figures.period_start,
        periods.period_end,
        figures.metric,
        figures.value,
        previous.value as previous_value,
        year_before.value as year_before_value,
        planned.target,
        {{ ratio('figures.value', 'planned.target') }} as attainment_rate,
        figures.month_to_date_value,
        figures.quarter_to_date_value,
        figures.year_to_date_value
    from figures
    inner join periods
        on figures.grain = periods.grain and figures.period_start = periods.period_start
    left join figures as previous
        on
            figures.grain = previous.grain
            and figures.metric = previous.metric
            and periods.previous_start = previous.period_start
    left join figures as year_before
        on
            figures.grain = year_before.grain
            and figures.metric = year_before.metric
            and periods.year_before_start = year_before.period_start
    left join planned
        on
            figures.grain = planned.grain
            and figures.metric = planned.metric
            and figures.period_start = planned.period_start
)

select * from final
