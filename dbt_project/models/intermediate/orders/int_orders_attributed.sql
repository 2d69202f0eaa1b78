{{ replace(
    rows='day', suffix=['int_orders_rolled_up'], day='coalesce(business_date, order_date)',
    also_days=['order_date'], touch='customer_key', order_by=['order_date'],
    affected={'int_orders_rolled_up': [0, 0], 'int_orders_linked': [0, 0]}
) }}

with

orders as (
    select *
    from {{ ref('int_orders_rolled_up') }}
    where {{ only_affected_days('coalesce(business_date, order_date)') }}
),

links as (
    select *
    from {{ ref('int_orders_linked') }}
    where {{ only_affected_days('order_day') }}
),

-- Every paid order of the customers at hand, for an order's number counts the ones before it too.
numbered as (
    select
        main_order_key,
        row_number() over (
            partition by customer_key
            order by paid_at, order_id, main_order_key
        ) as order_number
    from {{ ref('int_orders_rolled_up') }}
    where is_paid and customer_key in (select customer_key from orders)
),

channels as (
    {{ channels_of('orders') }}
),

final as (
    select
        orders.source,
        orders.order_id,
        orders.customer_key,
        orders.platform,
        orders.shop_id,
        coalesce(orders.channel, channels.channel, links.channel, '(untracked)') as channel,
        coalesce(orders.device, links.device, '(untracked)') as device,
        coalesce(orders.region, links.region, '(untracked)') as region,
        links.campaign,
        links.session_id,
        orders.ordered_at,
        orders.paid_at,
        orders.order_date,
        orders.business_date,
        orders.status,
        orders.is_paid,
        orders.is_presale,
        orders.is_awaiting_value,
        cast(orders.placed_amount as decimal(18, 2)) as placed_amount,
        cast(case when orders.is_paid then orders.paid_goods_amount else 0 end as decimal(18, 2))
            as paid_amount,
        cast(orders.refunded_amount as decimal(18, 2)) as refunded_amount,
        cast(orders.refunded_other_amount as decimal(18, 2)) as refunded_other_amount,
        cast(case when orders.is_paid then orders.paid_total_amount else 0 end as decimal(18, 2))
            as gmv_incl_freight_amount,
        cast(case when orders.is_paid then orders.paid_units else 0 end as bigint) as units,
        orders.currency,
        orders.original_amount,
        cast(numbered.order_number as bigint) as order_number
    from orders
    left join links on orders.main_order_key = links.main_order_key
    left join numbered on orders.main_order_key = numbered.main_order_key
    left join channels
        on
            coalesce(orders.utm_source, '') = coalesce(channels.utm_source, '')
            and coalesce(orders.utm_medium, '') = coalesce(channels.utm_medium, '')
)

select * from final
