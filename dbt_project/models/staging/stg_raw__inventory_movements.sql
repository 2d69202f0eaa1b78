{{ replace(
    rows='version', key='order_key', affected={'stg_raw__order_aliases': 'key'},
    day='cast(moved_at as date)', order_by=['moved_at']
) }}

with

latest as (
    {{ latest_versions('inventory_movements') }}
),

named as (
    {{ with_own_orders('latest', ['source']) }}
),

final as (
    select
        -- identifiers
        source,
        movement_id,
        product_id,
        {{ join_key(['source', 'product_id']) }} as product_key,
        warehouse,
        order_id,
        own_order_key as order_key,
        po_id,
        -- what happened
        moved_at,
        kind,
        quantity,
        -- delivery
        _row_key,
        _batch_id,
        _is_tied
    from named
)

select * from final
