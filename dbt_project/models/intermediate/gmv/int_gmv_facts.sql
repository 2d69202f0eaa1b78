with orders as (
    select * from {{ ref('int_gmv_orders') }}
),

visitors as (
    select * from {{ ref('int_gmv_visitors') }}
),

refunds as (
    select * from {{ ref('int_refunds_converted') }}
),

traffic as (
    select * from {{ ref('stg_raw__traffic_daily') }}
    where grain = 'shop'
),

periods as (
    select * from {{ ref('int_calendar_periods') }}
),

-- reported visitors are distinct by day; what they are in a longer period is not known
visits as (
    select
        grain,
        period_start,
        platform,
        shop_segment,
        channel_segment,
        device_segment,
        region_segment,
        customer_type_segment,
        visitors
    from visitors
    union all
    select
        periods.grain,
        periods.period_start,
        traffic.platform,
        traffic.shop_id as shop_segment,
        '(untracked)' as channel_segment,
        '(untracked)' as device_segment,
        '(untracked)' as region_segment,
        '(unidentified)' as customer_type_segment,
        case when periods.grain = 'day' then traffic.visitors end as visitors
    from traffic
    inner join periods on traffic.traffic_date = periods.business_date
    where traffic.platform not in (select visitors.platform from visitors)
),

final as (
    select
        grain,
        period_start,
        platform,
        shop_segment,
        channel_segment,
        device_segment,
        region_segment,
        customer_type_segment,
        0 as visitors,
        cast(is_buyer as integer) as buyers,
        cast(is_new_buyer as integer) as new_buyers,
        cast(is_repeat_buyer as integer) as repeat_buyers,
        cast(is_identified as integer) as identified_orders,
        1 as orders,
        units,
        paid_amount as gmv,
        paid_amount as net_sales,
        paid_amount - refunded_amount as net_sales_by_order_date
    from orders
    union all
    select
        periods.grain,
        periods.period_start,
        orders.platform,
        orders.shop_segment,
        orders.channel_segment,
        orders.device_segment,
        orders.region_segment,
        orders.customer_type_segment,
        0 as visitors,
        0 as buyers,
        0 as new_buyers,
        0 as repeat_buyers,
        0 as identified_orders,
        0 as orders,
        null as units,
        0 as gmv,
        -refunds.goods_amount as net_sales,
        0 as net_sales_by_order_date
    from refunds
    inner join periods on refunds.refund_date = periods.business_date
    inner join orders
        on periods.grain = orders.grain and refunds.main_order_key = orders.order_key
    union all
    select
        *,
        0 as buyers,
        0 as new_buyers,
        0 as repeat_buyers,
        0 as identified_orders,
        0 as orders,
        null as units,
        0 as gmv,
        0 as net_sales,
        0 as net_sales_by_order_date
    from visits
)

select * from final
