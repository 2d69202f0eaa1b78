{{ replace(
    rows='version', key='order_key', touch='order_key', affected={'stg_raw__order_aliases': 'key'},
    order_by=['order_key']
) }}

with

latest as (
    {{ latest_versions('settlements') }}
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
        entry_id,
        -- instants and local dates
        settled_at,
        {{ local_date('settled_at') }} as settled_date,
        -- figures, in the order's currency where the payout names none
        currency,
        due_amount,
        settled_amount,
        -- delivery
        _row_key,
        _batch_id,
        _is_tied
    from named
)

select * from final
