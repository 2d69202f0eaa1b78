{# The GMV tables of days, weeks and months: one SQL, the period as parameter. A period is named by
   its first day, `business_date` for days and `period_start` for longer ones. #}
{% macro gmv_period(grain) -%}
    {{ return('business_date' if grain == 'day' else 'period_start') }}
{%- endmacro %}

{% macro gmv_suffix(grain) -%}
    {{ return({'day': '', 'week': '_weekly', 'month': '_monthly'}[grain]) }}
{%- endmacro %}

{# What is measured in longer periods only. #}
{% macro gmv_repeat_measures(grain) -%}
    {{ return([] if grain == 'day' else ['repeat_buyers']) }}
{%- endmacro %}

{# Paid orders with their segments in the period. #}
{% macro gmv_orders(grain) %}
with orders as (
    select
        orders.*,
        {{ period_start(grain, 'orders.business_date') }} as period
    from {{ ref('int_orders_attributed') }} as orders
    where orders.is_paid
),

customers as (
    select * from {{ ref('int_gmv_customers') }}
),

paid as (
    select
        orders.*,
        {{ customer_type(
            'orders.customer_key', 'customers.first_paid_date', 'orders.period'
        ) }} as customer_type,
        row_number() over (
            partition by orders.platform, orders.period, orders.customer_key
            order by orders.paid_at, orders.source, orders.order_id
        ) as order_of_period
        {%- if grain != 'day' %},
        max(orders.business_date) over (
            partition by orders.platform, orders.period, orders.customer_key
        ) > min(orders.business_date) over (
            partition by orders.platform, orders.period, orders.customer_key
        ) as has_bought_on_two_days
        {%- endif %}
    from orders
    left join customers on orders.customer_key = customers.customer_key
),

final as (
    select
        {{ join_key(['source', 'order_id']) }} as order_key,
        period as {{ gmv_period(grain) }},
        platform,
        platform as platform_segment,
        shop_id as shop_segment,
        coalesce(channel, '(untracked)') as channel_segment,
        coalesce(device, '(untracked)') as device_segment,
        coalesce(region, '(untracked)') as region_segment,
        customer_type as customer_type_segment,
        customer_key is not null as is_identified,
        customer_key is not null and order_of_period = 1 as is_buyer,
        customer_type = 'new' and order_of_period = 1 as is_new_buyer,
        {%- if grain != 'day' %}
        customer_key is not null and order_of_period = 1 and has_bought_on_two_days
            as is_repeat_buyer,
        {%- endif %}
        units,
        paid_amount,
        refunded_amount
    from paid
)

select * from final
{% endmacro %}

{# Distinct visitors of the period, in the segments of their first session of the period.
   `condition` narrows the sessions to what a run is about. #}
{% macro gmv_visitors(grain, condition='true') %}
with sessions as (
    select
        *,
        {{ period_start(grain, 'business_date') }} as period
    from {{ ref('int_sessions_built') }}
    where visitor_key is not null and {{ condition }}
),

customers as (
    select * from {{ ref('int_gmv_customers') }}
),

first_sessions as (
    select *
    from sessions
    qualify row_number() over (
        partition by period, platform, visitor_key
        order by started_at, session_id
    ) = 1
),

visitors as (
    select
        first_sessions.period as {{ gmv_period(grain) }},
        first_sessions.platform,
        first_sessions.platform as platform_segment,
        first_sessions.shop_id as shop_segment,
        coalesce(first_sessions.channel, '(untracked)') as channel_segment,
        coalesce(first_sessions.device, '(untracked)') as device_segment,
        coalesce(first_sessions.region, '(untracked)') as region_segment,
        {{ customer_type(
            'first_sessions.customer_key', 'customers.first_paid_date', 'first_sessions.period'
        ) }} as customer_type_segment
    from first_sessions
    left join customers on first_sessions.customer_key = customers.customer_key
),

final as (
    select
        {{ gmv_period(grain) }},
        platform,
        {{ dimension_name() }} as dimension,
        {{ segment_name() }} as segment,
        count(*) as visitors
    from visitors
    {{ group_by_segments([gmv_period(grain), 'platform']) }}
)

select * from final
{% endmacro %}
