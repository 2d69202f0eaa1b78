{{ replace(rows='version', order_by=['ordered_at']) }}

with

latest as (
    {{ latest_versions('purchase_orders') }}
),

final as (
    select
        -- identifiers
        source,
        po_id,
        po_line,
        supplier_id,
        product_id,
        {{ join_key(['source', 'product_id']) }} as product_key,
        warehouse,
        -- instants
        ordered_at,
        promised_at,
        received_at,
        -- figures
        ordered_quantity,
        received_quantity,
        rejected_quantity,
        unit_cost,
        currency,
        -- delivery
        _row_key,
        _batch_id,
        _is_tied
    from latest
)

select * from final
