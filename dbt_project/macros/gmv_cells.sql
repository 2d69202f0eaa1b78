{# What the GMV tables sum: paid orders, refunds of paid orders on their own date in the segments of
   the order, and reported traffic of platforms without events. Reported visitors are distinct by
   day; what they are in a longer period is not known. #}
{% macro gmv_facts(grain) %}
{%- set period = gmv_period(grain) -%}
{%- set repeats = gmv_repeat_measures(grain) -%}
with orders as (
    select * from {{ ref('int_gmv_orders' ~ gmv_suffix(grain)) }}
),

refunds as (
    select * from {{ ref('stg_raw__refunds') }}
),

staged_orders as (
    select * from {{ ref('stg_raw__orders') }}
),

traffic as (
    select * from {{ ref('stg_raw__traffic_daily') }}
),

sessions as (
    select * from {{ ref('int_gmv_visitors_daily') }}
),

order_facts as (
    select
        {{ period }},
        platform,
        {{ each_of(gmv_dimensions(), '@_segment') }},
        0 as visitors,
        cast(is_buyer as integer) as buyers,
        cast(is_identified as integer) as identified_orders,
        1 as orders,
        units,
        cast(is_new_buyer as integer) as new_buyers,
        paid_amount as gmv,
        paid_amount as net_sales,
        paid_amount - refunded_amount as net_sales_by_order_date
        {%- if repeats %},
        cast(is_repeat_buyer as integer) as repeat_buyers
        {%- endif %}
    from orders
),

refund_facts as (
    select
        {{ period_start(grain, 'refunds.refund_date') }} as {{ period }},
        orders.platform,
        {{ each_of(gmv_dimensions(), 'orders.@_segment') }},
        0 as visitors,
        0 as buyers,
        0 as identified_orders,
        0 as orders,
        0 as units,
        0 as new_buyers,
        0 as gmv,
        -refunds.amount as net_sales,
        0 as net_sales_by_order_date
        {%- if repeats %},
        0 as repeat_buyers
        {%- endif %}
    from refunds
    inner join staged_orders on refunds.order_key = staged_orders.order_key
    inner join orders on staged_orders.main_order_key = orders.order_key
    where refunds.is_succeeded
),

traffic_facts as (
    select
        {{ period_start(grain, 'traffic_date') }} as {{ period }},
        platform,
        platform as platform_segment,
        shop_id as shop_segment,
        '(untracked)' as channel_segment,
        '(untracked)' as device_segment,
        '(untracked)' as region_segment,
        '(unidentified)' as customer_type_segment,
        {{ 'visitors' if grain == 'day' else 'cast(null as bigint) as visitors' }},
        0 as buyers,
        0 as identified_orders,
        0 as orders,
        0 as units,
        0 as new_buyers,
        0 as gmv,
        0 as net_sales,
        0 as net_sales_by_order_date
        {%- if repeats %},
        0 as repeat_buyers
        {%- endif %}
    from traffic
    where grain = 'shop' and platform not in (select platform from sessions)
),

final as (
    select * from order_facts
    union all
    select * from refund_facts
    union all
    select * from traffic_facts
)

select * from final
{% endmacro %}

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
