{{ replace(rows='version', day='snapshot_date', order_by=['snapshot_date']) }}

with

latest as (
    {{ latest_versions('inventory_snapshots') }}
),

final as (
    select
        -- identifiers
        source,
        product_id,
        {{ join_key(['source', 'product_id']) }} as product_key,
        warehouse,
        snapshot_date,
        -- figures
        on_hand,
        in_transit,
        reserved,
        -- delivery
        _row_key,
        _batch_id,
        _is_tied
    from latest
)

select * from final
