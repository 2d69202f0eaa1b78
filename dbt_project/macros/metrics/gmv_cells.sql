{# The cells of period, platform, dimension and segment in which tracking is decided. #}
{% macro gmv_cells(grain) %}
{%- set period = gmv_period(grain) -%}
{%- set repeats = gmv_repeat_measures(grain) -%}
with facts as (
    select * from {{ ref('int_gmv_facts' ~ gmv_suffix(grain)) }}
),

sessions as (
    select * from {{ ref('int_gmv_visitors' ~ (gmv_suffix(grain) or '_daily')) }}
),
{%- if grain != 'day' %}

reported_platforms as (
    select distinct platform
    from facts
    where visitors is null
),
{%- endif %}

parts as (
    select
        {{ period }},
        platform,
        {{ dimension_name() }} as dimension,
        {{ segment_name() }} as segment,
        {{ each_of(gmv_measures() + repeats, 'sum(@) as @') }}
    from facts
    {{ group_by_segments([period, 'platform']) }}
    union all
    select
        {{ period }},
        platform,
        dimension,
        segment,
        visitors,
        {{ each_of(gmv_measures()[1:] + repeats, '0 as @') }}
    from sessions
),

summed as (
    select
        {{ period }},
        platform,
        dimension,
        segment,
        {{ each_of(gmv_measures() + repeats, 'sum(@) as @') }}
    from parts
    group by {{ period }}, platform, dimension, segment
),

final as (
    select
        {{ period }},
        platform,
        dimension,
        segment,
        {%- if grain == 'day' %}
        cast(visitors as bigint) as visitors,
        {%- else %}
        case
            when platform not in (select platform from reported_platforms)
                then cast(visitors as bigint)
        end as visitors,
        {%- endif %}
        -- decided here, before any sum: buyers are tracked where the very cell has visitors
        cast(case when visitors > 0 then buyers else 0 end as bigint) as tracked_buyers,
        cast(case when visitors > 0 then 0 else buyers end as bigint) as untracked_buyers,
        cast(buyers as bigint) as buyers,
        -- a second order in another segment than its buyer's has no buyer to be multiplied with
        cast(case when buyers > 0 then identified_orders else 0 end as bigint)
            as identified_orders,
        cast(orders - case when buyers > 0 then identified_orders else 0 end as bigint)
            as anonymous_orders,
        cast(orders as bigint) as orders,
        cast(units as bigint) as units,
        cast(new_buyers as bigint) as new_buyers,
        {%- if repeats %}
        cast(repeat_buyers as bigint) as repeat_buyers,
        {%- endif %}
        cast(gmv as decimal(18, 2)) as gmv,
        cast(net_sales as decimal(18, 2)) as net_sales,
        cast(net_sales_by_order_date as decimal(18, 2)) as net_sales_by_order_date
    from summed
)

select * from final
{% endmacro %}
