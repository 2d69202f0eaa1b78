-- Goods and all amounts of the orders as delivered, by day and source, are those of fct_orders:
-- nothing is lost or counted twice between staging and the mart. The two sides share no step.
with

valued as (
    select
        orders.order_key,
        sum(
            case
                when items.is_gift then 0
                else round(
                    items.quantity * case
                        when items.currency is not null then items.unit_price
                        else round(items.unit_price * orders.exchange_rate, 4)
                    end, 2
                )
                - case
                    when items.currency is not null then items.discount_amount
                    else round(items.discount_amount * orders.exchange_rate, 2)
                end
            end
        ) as amount
    from {{ ref('stg_raw__order_items') }} as items
    inner join {{ ref('stg_raw__orders') }} as orders on items.order_key = orders.order_key
    group by orders.order_key
),

delivered as (
    select
        orders.source,
        orders.main_order_key,
        orders.order_date,
        coalesce(orders.order_amount, valued.amount) as amount,
        orders.is_paid
    from {{ ref('stg_raw__orders') }} as orders
    left join valued on orders.order_key = valued.order_key
    where
        orders.parent_order_id is not null
        or orders.order_key not in (
            select children.main_order_key
            from {{ ref('stg_raw__orders') }} as children
            where children.parent_order_id is not null
        )
),

lines as (
    select
        order_id,
        source,
        sum(placed_amount) as amount
    from {{ ref('fct_order_items') }}
    group by source, order_id
),

orders as (
    select
        orders.source,
        {{ join_key(['orders.source', 'orders.order_id']) }} as main_order_key,
        case
            when orders.placed_amount is not null then coalesce(lines.amount, orders.placed_amount)
        end as amount
    from {{ ref('fct_orders') }} as orders
    left join lines on orders.source = lines.source and orders.order_id = lines.order_id
),

staged as (
    select
        main_order_key,
        -- of a paid order whose value has not come nothing is known
        case when bool_and(not is_paid or amount is not null) then sum(amount) end as amount
    from delivered
    group by main_order_key
),

final as (
    select
        coalesce(staged.main_order_key, orders.main_order_key) as main_order_key,
        staged.amount as staged_amount,
        orders.amount as mart_amount
    from staged
    full join orders on staged.main_order_key = orders.main_order_key
    where staged.amount is distinct from orders.amount
)

select * from final
