{{ replace(
    rows='key', key='main_order_key', touch='main_order_key', order_by=['refund_date'],
    affected={
        'stg_raw__orders': 'key',
        'stg_raw__refunds': [['stg_raw__orders', 'order_key', 'main_order_key']],
        'stg_raw__shipments': [['stg_raw__orders', 'order_key', 'main_order_key']],
        'stg_raw__fx_rates': [
            ['stg_raw__orders', 'currency', 'order_key'],
            ['stg_raw__refunds', 'order_key', 'order_key'],
            ['stg_raw__orders', 'order_key', 'main_order_key']
        ]
    }
) }}

with

orders as (
    select *
    from {{ ref('stg_raw__orders') }}
    where {{ only_touched_keys('main_order_key') }}
),

refunds as (
    select *
    from {{ ref('stg_raw__refunds') }}
    where is_succeeded and order_key in (select order_key from orders)
),

rates as (
    select * from {{ ref('stg_raw__fx_rates') }}
),

parcels as (
    select
        order_key,
        min(shipped_at) as shipped_at
    from {{ ref('stg_raw__shipments') }}
    where order_key in (select order_key from orders)
    group by order_key
),

-- A refund may name a main order whose children were shipped.
shipped as (
    select
        orders.order_key,
        coalesce(
            orders.shipped_at,
            parcels.shipped_at,
            case
                when orders.order_key = orders.main_order_key
                    then min(coalesce(orders.shipped_at, parcels.shipped_at)) over (
                        partition by orders.main_order_key
                    )
            end
        ) as shipped_at
    from orders
    left join parcels on orders.order_key = parcels.order_key
),

matched as (
    select
        refunds.source,
        refunds.refund_id,
        refunds.order_key,
        orders.main_order_key,
        orders.currency as order_currency,
        orders.exchange_rate,
        refunds.product_id,
        refunds.refunded_at,
        refunds.refund_date,
        refunds.kind,
        refunds.reason,
        refunds.quantity,
        case
            when shipped.shipped_at is not null
                then coalesce(refunds.requested_at, refunds.refunded_at) >= shipped.shipped_at
            else coalesce(orders.is_shipped, orders.status in ('shipped', 'completed'))
        end as is_after_shipping,
        case when shipped.shipped_at is not null then 'shipped_at' else 'status' end
            as shipping_basis,
        refunds.amount as delivered_amount,
        coalesce(refunds.goods_amount, refunds.amount - refunds.other_amount)
            as delivered_goods_amount,
        coalesce(refunds.currency, orders.currency) as currency,
        coalesce(refunds.original_amount, refunds.amount) as original_amount,
        case
            when
                refunds.currency is null
                and orders.currency != '{{ var("reporting_currency") }}'
                then orders.currency
        end as foreign_currency
    from refunds
    inner join orders on refunds.order_key = orders.order_key
    inner join shipped on refunds.order_key = shipped.order_key
),

rated as (
    select
        matched.source,
        matched.refund_id,
        rates.rate
    from matched
    inner join rates on {{ is_a_rate_of('matched', 'refund_date') }}
    qualify {{ is_the_latest_rate(['matched.source', 'matched.refund_id']) }}
),

final as (
    select
        matched.*,
        {{ at_the_days_rate('matched') }} as amount
    from matched
    left join rated
        on matched.source = rated.source and matched.refund_id = rated.refund_id
)

select * from final
