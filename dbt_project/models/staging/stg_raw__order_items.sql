{{ replace(
    rows='version', key='order_key', touch='order_key', affected={'stg_raw__order_aliases': 'key'},
    order_by=['order_key']
) }}

with

latest as (
    {{ latest_versions('order_items') }}
),

named as (
    {{ with_own_orders('latest', ['source']) }}
),

final as (
    select
        -- identifiers
        source,
        order_id,
        line_number,
        own_order_key as order_key,
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
    from named
)

select * from final
