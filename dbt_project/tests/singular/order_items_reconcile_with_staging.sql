-- Every delivered line of an order that counts is in fct_order_items once, with its quantity.
with

counted as (
    select
        items.source,
        items.quantity
    from {{ ref('stg_raw__order_items') }} as items
    inner join {{ ref('stg_raw__orders') }} as orders on items.order_key = orders.order_key
    where
        orders.parent_order_id is not null
        or orders.order_key not in (
            select children.main_order_key
            from {{ ref('stg_raw__orders') }} as children
            where children.parent_order_id is not null
        )
    qualify {{ is_told_once('items', 'orders') }}
),

delivered as (
    select
        source,
        count(*) as line_count,
        sum(quantity) as quantity
    from counted
    group by source
),

lines as (
    select
        source,
        count(*) as line_count,
        sum(quantity) as quantity
    from {{ ref('fct_order_items') }}
    group by source
),

final as (
    select
        coalesce(delivered.source, lines.source) as source,
        delivered.line_count as staged_line_count,
        lines.line_count as mart_line_count,
        delivered.quantity as staged_quantity,
        lines.quantity as mart_quantity
    from delivered
    full join lines on delivered.source = lines.source
    where
        delivered.line_count is distinct from lines.line_count
        or delivered.quantity is distinct from lines.quantity
)

select * from final
