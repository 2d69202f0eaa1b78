{{ replace(
    rows='day', day='coalesce(business_date, order_date)', also_days=['order_date'],
    order_by=['order_date'], affected={'int_orders_attributed': [0, 0]}
) }}

with

refunders as (
    select * from {{ ref('int_platforms_refunding') }}
),

orders as (
    select *
    from {{ ref('int_orders_attributed') }}
    where {{ only_affected_days('coalesce(business_date, order_date)') }}
),

final as (
    select
        source,
        order_id,
        customer_key,
        orders.platform,
        shop_id,
        channel,
        device,
        region,
        campaign,
        session_id,
        ordered_at,
        paid_at,
        order_date,
        business_date,
        status,
        is_paid,
        is_presale,
        is_awaiting_value,
        placed_amount,
        paid_amount,
        case when refunders.platform is not null then refunded_amount end as refunded_amount,
        case when refunders.platform is not null then refunded_other_amount end
            as refunded_other_amount,
        gmv_incl_freight_amount,
        units,
        currency,
        original_amount,
        order_number
    from orders
    left join refunders on orders.platform = refunders.platform
)

select * from final
