{{ replace(
    rows='version', key='order_key', affected={'stg_raw__order_aliases': 'key'},
    order_by=['opened_at']
) }}

with

latest as (
    {{ latest_versions('tickets') }}
),

named as (
    {{ with_own_orders('latest', ['source']) }}
),

final as (
    select
        -- identifiers
        source,
        ticket_id,
        order_id,
        own_order_key as order_key,
        product_id,
        -- instants
        opened_at,
        first_response_at,
        resolved_at,
        -- what it is about
        kind,
        -- figures
        csat,
        -- delivery
        _row_key,
        _batch_id,
        _is_tied
    from named
)

select * from final
