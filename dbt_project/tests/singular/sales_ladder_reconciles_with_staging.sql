-- Refunds of each day and rung, and goods placed of each day, by a way of their own.
with

parcels as (
    select
        order_key,
        min(shipped_at) as shipped_at
    from {{ ref('stg_raw__shipments') }}
    group by order_key
),

shipped as (
    select
        staged.order_key,
        staged.main_order_key,
        coalesce(staged.is_shipped, staged.status in ('shipped', 'completed')) as is_shipped,
        coalesce(staged.shipped_at, parcels.shipped_at) as shipped_at
    from {{ ref('stg_raw__orders') }} as staged
    left join parcels on staged.order_key = parcels.order_key
),

-- a refund of a split main order is after the first parcel of its children
children as (
    select
        main_order_key,
        min(shipped_at) as shipped_at
    from shipped
    group by main_order_key
),

instants as (
    select
        shipped.order_key,
        shipped.main_order_key,
        shipped.is_shipped,
        coalesce(shipped.shipped_at, children.shipped_at) as shipped_at
    from shipped
    left join children on shipped.order_key = children.main_order_key
),

expected as (
    select
        refunds.refund_date as business_date,
        case
            when refunds.kind = 'return' then 'returned'
            when coalesce(staged.requested_at, staged.refunded_at) < instants.shipped_at
                then 'refunded_before_shipping'
            when instants.shipped_at is not null or instants.is_shipped
                then 'refunded_after_shipping'
            else 'refunded_before_shipping'
        end as rung,
        -sum(refunds.goods_amount) as amount
    from {{ ref('int_refunds_converted') }} as refunds
    inner join {{ ref('stg_raw__refunds') }} as staged
        on refunds.source = staged.source and refunds.refund_id = staged.refund_id
    inner join instants on staged.order_key = instants.order_key
    inner join {{ ref('fct_orders') }} as orders
        on instants.main_order_key = {{ join_key(['orders.source', 'orders.order_id']) }}
    where orders.is_paid
    group by all
    union all
    select
        order_date as business_date,
        'placed' as rung,
        sum(placed_amount) as amount
    from {{ ref('fct_orders') }}
    group by order_date
),

-- what is left after refunds is not known, nor are they
unknown as (
    select business_date from {{ ref('fct_gmv_daily') }}
    where dimension = 'all' and net_sales is null
),

ladder as (
    select * from {{ ref('fct_sales_ladder_daily') }}
    where
        refund_basis = 'refund_date'
        and rung in ('placed', 'returned', 'refunded_after_shipping', 'refunded_before_shipping')
),

final as (
    select
        coalesce(ladder.business_date, expected.business_date) as business_date,
        coalesce(ladder.rung, expected.rung) as rung,
        ladder.amount,
        expected.amount as staged_amount
    from ladder
    full join expected
        on ladder.business_date = expected.business_date and ladder.rung = expected.rung
    where
        coalesce(ladder.amount, 0) != coalesce(expected.amount, 0)
        and not (
            ladder.rung != 'placed' and ladder.amount is null
            and ladder.business_date in (select unknown.business_date from unknown)
        )
)

select * from final
