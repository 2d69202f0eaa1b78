-- Orders that were paid and whose goods are not known: neither their lines nor an amount have come,
-- or the amount is 0 and the lines of a source that has lines are missing. The first are in no
-- figure until they come, the second count as told. A warning: lines may be a day late.
{{ config(severity='warn') }}

with

lines as (
    select distinct
        source,
        order_key
    from {{ ref('stg_raw__order_items') }}
),

orders as (
    select
        staged.source,
        staged.order_id,
        worth.order_key,
        worth.goods_amount
    from {{ ref('int_orders_valued') }} as worth
    inner join {{ ref('stg_raw__orders') }} as staged on worth.order_key = staged.order_key
    where worth.is_paid
),

final as (
    select
        orders.source,
        orders.order_id
    from orders
    left join lines on orders.order_key = lines.order_key
    where
        orders.goods_amount is null
        or orders.goods_amount = 0
        and lines.order_key is null
        and orders.source in (select having_lines.source from lines as having_lines)
)

select * from final
