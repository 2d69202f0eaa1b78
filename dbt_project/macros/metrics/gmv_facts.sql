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
