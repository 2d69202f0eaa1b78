-- Every parcel that has left for a paid order is in fct_fulfilment_daily once, and every such order
-- of a platform that tells of parcels.
with

parcels as (
    select
        orders.platform,
        count(*) as parcels,
        sum(parcels.cost) as freight_amount
    from {{ ref('stg_raw__shipments') }} as parcels
    inner join {{ ref('stg_raw__orders') }} as placed on parcels.order_key = placed.order_key
    inner join {{ ref('fct_orders') }} as orders
        on
            placed.source = orders.source
            and placed.main_order_key = {{ join_key(['orders.source', 'orders.order_id']) }}
    where orders.is_paid and parcels.shipped_at is not null
    group by orders.platform
),

orders as (
    select
        platform,
        count(*) as orders
    from {{ ref('fct_orders') }}
    where is_paid
    group by platform
),

mart as (
    select
        platform,
        sum(orders) as orders,
        sum(parcels) as parcels,
        sum(freight_amount) as freight_amount
    from {{ ref('fct_fulfilment_daily') }}
    group by platform
)

select
    mart.platform,
    mart.orders,
    mart.parcels,
    mart.freight_amount
from mart
left join orders on mart.platform = orders.platform
left join parcels on mart.platform = parcels.platform
where
    mart.orders is distinct from orders.orders
    or mart.parcels <> coalesce(parcels.parcels, 0)
    or mart.freight_amount is distinct from parcels.freight_amount
