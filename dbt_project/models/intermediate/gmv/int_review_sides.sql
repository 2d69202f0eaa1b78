{% set counts = [
    'tracked_buyers', 'untracked_buyers', 'buyers', 'identified_orders', 'anonymous_orders',
    'orders', 'gmv'
] %}
with periods as (
    select * from {{ ref('int_review_periods') }}
),

totals as (
    select * from {{ ref('int_gmv_totals') }}
    where dimension in ('all', 'platform')
),

known as (
    select * from {{ ref('int_gmv_known') }}
),

-- the company's sales of the period are known, and no platform that sells lost all of its own
told as (
    select
        totals.grain,
        totals.period_start
    from totals
    inner join known
        on totals.grain = known.grain and totals.period_start = known.period_start
    where totals.dimension = 'all' and totals.gmv is not null
    group by totals.grain, totals.period_start
    having bool_and(known.is_sales_known or not known.has_sold)
),

pairs as (
    select
        grain,
        period_start,
        'previous_period' as comparison,
        previous_start as base_start
    from periods
    union all
    select
        grain,
        period_start,
        'last_year' as comparison,
        year_before_start as base_start
    from periods
),

-- the periods of both sides of each comparison whose sales are known
both_sides as (
    select
        *,
        period_start as side_start,
        false as is_base
    from pairs
    union all
    select
        *,
        base_start as side_start,
        true as is_base
    from pairs
),

comparable as (
    select
        both_sides.grain,
        both_sides.period_start,
        both_sides.comparison,
        both_sides.side_start,
        both_sides.is_base,
        periods.day_count,
        count(*) over (
            partition by both_sides.grain, both_sides.period_start, both_sides.comparison
        ) as side_count
    from both_sides
    inner join periods
        on both_sides.grain = periods.grain and both_sides.side_start = periods.period_start
    inner join told
        on both_sides.grain = told.grain and both_sides.side_start = told.period_start
),

sides as (
    select
        comparable.grain,
        comparable.period_start,
        comparable.comparison,
        comparable.is_base,
        totals.segment as platform,
        {% for name in counts %}
            totals.{{ name }},
        {% endfor %}
        -- visitors of a part of the period compare with nothing
        case when totals.visitors_day_count = comparable.day_count then totals.visitors end
            as visitors
    from comparable
    inner join totals
        on
            comparable.grain = totals.grain
            and comparable.side_start = totals.period_start
    where comparable.side_count = 2 and totals.dimension = 'platform'
),

paired as (
    select
        grain,
        period_start,
        comparison,
        platform,
        {% for name in counts %}
            coalesce(sum(case when not is_base then {{ name }} end), 0) as {{ name }},
            coalesce(sum(case when is_base then {{ name }} end), 0) as base_{{ name }},
        {% endfor %}
        coalesce(sum(case when not is_base then visitors end), 0) as visitors,
        coalesce(sum(case when is_base then visitors end), 0) as base_visitors
    from sides
    group by grain, period_start, comparison, platform
),

final as (
    select
        *,
        visitors > 0 and base_visitors > 0 as is_tracked,
        (visitors > 0) != (base_visitors > 0) as has_changed_tracking
    from paired
)

select * from final
