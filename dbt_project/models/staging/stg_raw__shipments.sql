{{ replace(
    rows='version', key='order_key', touch='order_key', affected={'stg_raw__order_aliases': 'key'},
    order_by=['order_key']
) }}

with

latest as (
    {{ latest_versions('shipments') }}
),

named as (
    {{ with_own_orders('latest', ['source']) }}
),

final as (
    select
        -- identifiers
        source,
        shipment_id,
        order_id,
        own_order_key as order_key,
        carrier,
        region,
        -- instants
        shipped_at,
        promised_at,
        delivered_at,
        -- figures
        cost,
        -- delivery
        _row_key,
        _batch_id,
        _is_tied
    from named
)

select * from final
