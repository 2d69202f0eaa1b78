with orders as (
    select * from {{ ref('int_orders_attributed') }}
    where is_paid
),

periods as (
    select * from {{ ref('int_calendar_periods') }}
),

customers as (
    select * from {{ ref('int_gmv_customers') }}
),

paid as (
    select
        orders.*,
        periods.grain,
        periods.period_start,
        case
            when orders.customer_key is null then '(unidentified)'
            when customers.first_paid_date < periods.period_start then 'returning'
            else 'new'
        end as customer_type,
        row_number() over (
            partition by
                periods.grain, periods.period_start, orders.platform, orders.customer_key
            order by orders.paid_at, orders.source, orders.order_id
        ) as order_of_period,
        max(orders.business_date) over (
            partition by
                periods.grain, periods.period_start, orders.platform, orders.customer_key
        ) > min(orders.business_date) over (
            partition by
                periods.grain, periods.period_start, orders.platform, orders.customer_key
        ) as has_bought_on_two_days
    from orders
    inner join periods on orders.business_date = periods.business_date
    left join customers on orders.customer_key = customers.customer_key
),

final as (
    select
        {{ join_key(['source', 'order_id']) }} as order_key,
        grain,
        period_start,
        platform,
        shop_id as shop_segment,
        coalesce(channel, '(untracked)') as channel_segment,
        coalesce(device, '(untracked)') as device_segment,
        coalesce(region, '(untracked)') as region_segment,
        customer_type as customer_type_segment,
        customer_key is not null as is_identified,
        customer_key is not null and order_of_period = 1 as is_buyer,
        customer_type = 'new' and order_of_period = 1 as is_new_buyer,
        customer_key is not null and order_of_period = 1 and has_bought_on_two_days
            as is_repeat_buyer,
        units,
        paid_amount,
        refunded_amount
    from paid
)

select * from final
