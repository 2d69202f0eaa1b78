{# The cells summed over platforms, with a company row for every period. #}
{% macro gmv_totals(grain) %}
{%- set period = gmv_period(grain) -%}
{%- set counts = gmv_counts() + gmv_repeat_measures(grain) -%}
with days as (
    select * from {{ ref('int_calendar_days') }}
),

cells as (
    select * from {{ ref('int_gmv_cells' ~ gmv_suffix(grain)) }}
),

periods as (
    select
        {{ period_start(grain, 'business_date') }} as {{ period }},
        {{ days_from('min(business_date)', 'max(business_date)') }} + 1 as day_count
    from days
    group by {{ period_start(grain, 'business_date') }}
),

measured as (
    select
        {{ period }},
        dimension,
        segment,
        {{ each_of(counts + gmv_amounts(), '@') }}
    from cells
    union all
    -- every period has a company row, with zeros where nothing happened
    select
        {{ period }},
        'all' as dimension,
        'all' as segment,
        {{ '0' if grain == 'day' else 'null' }} as visitors,
        {{ each_of(counts[1:] + gmv_amounts(), '0 as @') }}
    from periods
),

summed as (
    select
        {{ period }},
        dimension,
        segment,
        {{ each_of(counts, 'cast(sum(@) as bigint) as @') }},
        {{ each_of(gmv_amounts(), 'cast(sum(@) as decimal(18, 2)) as @') }}
    from measured
    group by {{ period }}, dimension, segment
),

final as (
    select
        summed.{{ period }},
        dimension,
        segment,
        visitors,
        tracked_buyers,
        untracked_buyers,
        buyers,
        identified_orders,
        anonymous_orders,
        orders,
        units,
        gmv,
        net_sales,
        net_sales_by_order_date,
        {{ ratio('tracked_buyers', 'visitors') }} as conversion_rate,
        {{ ratio('identified_orders', 'buyers') }} as orders_per_buyer,
        {{ ratio('gmv', 'orders') }} as aov,
        {{ ratio('gmv', 'buyers') }} as gmv_per_buyer,
        new_buyers
        {%- if grain != 'day' %},
        repeat_buyers,
        {{ ratio('repeat_buyers', 'buyers') }} as repeat_purchase_rate,
        periods.day_count = {{ days_from('summed.' ~ period, period_end(grain, 'summed.' ~ period)) }} + 1
            as is_complete
        {%- endif %}
    from summed
    {%- if grain != 'day' %}
    left join periods on summed.{{ period }} = periods.{{ period }}
    {%- endif %}
)

select * from final
{% endmacro %}
