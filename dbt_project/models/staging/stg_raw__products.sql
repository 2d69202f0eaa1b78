{{ replace(rows='version', touch='product_key', order_by=['product_key']) }}

with

latest as (
    {{ latest_versions('products') }}
),

final as (
    select
        -- identifiers
        source,
        product_id,
        {{ join_key(['source', 'product_id']) }} as product_key,
        valid_from,
        -- description
        name,
        category_1,
        category_2,
        category_3,
        brand,
        role,
        supplier_id,
        launched_at,
        -- figures
        list_price,
        cost,
        -- delivery
        _row_key,
        _batch_id,
        _is_tied
    from latest
)

select * from final
