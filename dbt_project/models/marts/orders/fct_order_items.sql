{{ replace(
    rows='key', key="source || '|' || order_id", day='business_date', order_by=['order_date'],
    affected={'int_order_items_shared': 'key', 'int_orders_rolled_up': 'key'}
) }}

with

lines as (
    select *
    from {{ ref('int_order_items_shared') }}
    where {{ only_touched_keys('main_order_key') }}
),

orders as (
    select *
    from {{ ref('int_orders_rolled_up') }}
    where {{ only_touched_keys('main_order_key') }}
),

final as (
    select
        lines.source,
        lines.main_order_id as order_id,
        cast(
            row_number() over (
                partition by lines.main_order_key
                order by lines.order_id, lines.line_number
            ) as bigint
        ) as line_number,
        lines.order_id as sub_order_id,
        orders.order_date,
        case when lines.is_paid then orders.business_date end as business_date,
        lines.product_id,
        lines.product_key,
        lines.product_name,
        lines.category,
        lines.quantity,
        cast(lines.unit_price as double) as unit_price,
        lines.merchant_discount_amount,
        lines.platform_discount_amount,
        lines.creator_discount_amount,
        cast(
            case when orders.is_paid and lines.is_paid then lines.line_amount else 0 end
            as decimal(18, 2)
        ) as paid_amount,
        lines.line_amount as placed_amount,
        lines.cost_amount,
        lines.is_gift,
        lines.is_goods
    from lines
    inner join orders on lines.main_order_key = orders.main_order_key
)

select * from final
