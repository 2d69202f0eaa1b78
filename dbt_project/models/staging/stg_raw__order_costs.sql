{{ replace(
    rows='version', key='order_key', touch='order_key', affected={'stg_raw__order_aliases': 'key'},
    order_by=['order_key']
) }}

with

latest as (
    {{ latest_versions('order_costs') }}
),

named as (
    {{ with_own_orders('latest', ['source']) }}
),

final as (
    select
        -- identifiers
        source,
        order_id,
        own_order_key as order_key,
        cost_type,
        entry_id,
        -- instants and local dates
        booked_at,
        {{ local_date('booked_at') }} as booked_date,
        -- figures, in the order's currency where the cost names none
        currency,
        amount,
        -- delivery
        _row_key,
        _batch_id,
        _is_tied
    from named
)

select * from final
