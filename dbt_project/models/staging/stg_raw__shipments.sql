{{ replace(rows='version', touch='order_key', order_by=['order_key']) }}

with

latest as (
    {{ latest_versions('shipments') }}
),

final as (
    select
        -- identifiers
        source,
        shipment_id,
        order_id,
        {{ join_key(['source', 'order_id']) }} as order_key,
        -- instants
        shipped_at,
        delivered_at,
        -- delivery
        _row_key,
        _batch_id
    from latest
)

select * from final
