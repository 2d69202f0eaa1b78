{% set steps = var('funnel_steps') %}
{% set dimensions = {
    'all': "'all'", 'platform': 'platform', 'shop': 'shop_id', 'channel': 'channel',
    'device': 'device', 'region': 'region'
} %}
{{ replace(
    rows='day', day='business_date', order_by=['business_date'],
    affected={'int_funnel_sessions_counted': [0, 0], 'int_funnel_visitors_counted': [0, 0]}
) }}

with

counted as (
    select *
    from {{ ref('int_funnel_sessions_counted') }}
    where {{ only_affected_days('business_date') }}
    union all
    select *
    from {{ ref('int_funnel_visitors_counted') }}
    where {{ only_affected_days('business_date') }}
),

segmented as (
    {% for dimension, segment in dimensions.items() %}
        {{ 'union all' if not loop.first }}
        select
            business_date,
            basis,
            '{{ dimension }}' as dimension,
            {{ segment }} as segment,
            depth,
            {%- for step in steps %}
                sum(reached_{{ loop.index }}) as reached_{{ loop.index }},
                sum(direct_{{ loop.index }}) as direct_{{ loop.index }},
            {%- endfor %}
            sum(attempt_count) as attempt_count
        from counted
        group by business_date, basis, {{ segment }}, depth
    {% endfor %}
),

reached as (
    {% for step in steps %}
        {{ 'union all' if not loop.first }}
        select
            business_date,
            basis,
            dimension,
            segment,
            {{ loop.index }} as step_number,
            '{{ step }}' as step,
            sum(case when depth >= {{ loop.index }} then attempt_count else 0 end)
                as entered_count,
            sum(case when depth >= {{ [loop.index - 1, 1] | max }} then attempt_count else 0 end)
                as previous_count,
            sum(case when depth >= 1 then attempt_count else 0 end) as first_count,
            sum(reached_{{ loop.index }}) as reached_count,
            sum(direct_{{ loop.index }}) as direct_count,
            sum(reached_{{ [loop.index - 1, 1] | max }}) as previous_reached_count,
            sum(attempt_count) as attempt_count
        from segmented
        group by business_date, basis, dimension, segment
    {% endfor %}
),

final as (
    select
        business_date,
        basis,
        dimension,
        segment,
        cast(step_number as bigint) as step_number,
        step,
        cast(entered_count as bigint) as entered_count,
        case when step_number > 1 then {{ ratio('entered_count', 'previous_count') }} end
            as step_rate,
        {{ ratio('entered_count', 'first_count') }} as overall_rate,
        cast(attempt_count as bigint) as attempt_count,
        cast(reached_count as bigint) as reached_count,
        cast(direct_count as bigint) as direct_count,
        case
            when step_number > 1
                then {{ ratio('reached_count - direct_count', 'previous_reached_count') }}
        end as passage_rate,
        {{ ratio('reached_count', 'attempt_count') }} as reached_rate
    from reached
)

select * from final
