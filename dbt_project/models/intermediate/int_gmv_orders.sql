with orders as (
    select * from {{ ref('int_orders_attributed') }}
),

customers as (
    select * from {{ ref('int_gmv_customers') }}
),

paid as (
    select
        orders.*,
        {{ customer_type(
            'orders.customer_key', 'customers.first_paid_date', 'orders.business_date'
        ) }} as customer_type,
        row_number() over (
            partition by orders.platform, orders.business_date, orders.customer_key
            order by orders.paid_at, orders.source, orders.order_id
        ) as order_of_day
    from orders
    left join customers on orders.customer_key = customers.customer_key
    where orders.is_paid
),

final as (
    select
        {{ join_key(['source', 'order_id']) }} as order_key,
        business_date,
        platform,
        platform as platform_segment,
        shop_id as shop_segment,
        coalesce(channel, '(untracked)') as channel_segment,
        coalesce(device, '(untracked)') as device_segment,
        coalesce(region, '(untracked)') as region_segment,
        customer_type as customer_type_segment,
        customer_key is not null as is_identified,
        customer_key is not null and order_of_day = 1 as is_buyer,
        customer_type = 'new' and order_of_day = 1 as is_new_buyer,
        units,
        paid_amount,
        refunded_amount
    from paid
)

select * from final
