{{ replace(
    rows='key', key="source || '|' || order_id", day='refund_date',
    order_by=['refund_date'],
    affected={
        'int_refunds_converted': 'key', 'int_orders_rolled_up': 'key', 'int_order_items_shared': 'key'
    }
) }}

with

refunds as (
    select *
    from {{ ref('int_refunds_converted') }}
    where {{ only_touched_keys('main_order_key') }}
),

orders as (
    select *
    from {{ ref('int_orders_rolled_up') }}
    where {{ only_touched_keys('main_order_key') }}
),

-- as the order of the refund sold it
sold as (
    select
        main_order_key,
        product_id,
        min(category) as category
    from {{ ref('int_order_items_shared') }}
    where {{ only_touched_keys('main_order_key') }}
    group by main_order_key, product_id
),

final as (
    select
        refunds.source,
        refunds.refund_id,
        orders.order_id,
        orders.platform,
        orders.shop_id,
        refunds.product_id,
        {{ join_key(['refunds.source', 'refunds.product_id']) }} as product_key,
        sold.category,
        refunds.refunded_at,
        refunds.refund_date,
        orders.business_date,
        refunds.kind,
        refunds.reason,
        refunds.quantity,
        {{ days_from('orders.business_date', 'refunds.refund_date') }} as delay_days,
        orders.is_paid,
        refunds.is_after_shipping,
        refunds.shipping_basis,
        refunds.amount,
        refunds.goods_amount,
        refunds.other_amount,
        refunds.currency,
        refunds.original_amount
    from refunds
    inner join orders on refunds.main_order_key = orders.main_order_key
    left join sold
        on
            refunds.main_order_key = sold.main_order_key
            and refunds.product_id = sold.product_id
)

select * from final
