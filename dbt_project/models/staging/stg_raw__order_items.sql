{{ replace(rows='version', touch='order_key', order_by=['order_key']) }}

with

latest as (
    {{ latest_versions('order_items') }}
),

final as (
    select
        -- identifiers
        source,
        order_id,
        line_number,
        {{ join_key(['source', 'order_id']) }} as order_key,
        product_id,
        {{ join_key(['source', 'product_id']) }} as product_key,
        product_name,
        category,
        -- figures, in the order's currency where the line names none
        currency,
        quantity,
        unit_price,
        coalesce(discount_amount, 0) as discount_amount,
        cost_amount,
        -- flags
        is_gift,
        is_goods,
        -- delivery
        _row_key,
        _batch_id,
        _is_tied
    from latest
)

select * from final
