{{ replace(
    rows='version', key='order_key', touch='order_key', affected={'stg_raw__order_aliases': 'key'},
    day='refund_date', order_by=['refund_date']
) }}

with

latest as (
    {{ latest_versions('refunds') }}
),

named as (
    {{ with_own_orders('latest', ['source']) }}
),

final as (
    select
        -- identifiers
        source,
        refund_id,
        order_id,
        own_order_key as order_key,
        product_id,
        -- instants and local dates
        requested_at,
        refunded_at,
        {{ local_date('refunded_at') }} as refund_date,
        -- state
        kind,
        reason,
        status,
        status = 'succeeded' as is_succeeded,
        -- figures, in the order's currency where the refund names none
        currency,
        amount,
        original_amount,
        goods_amount,
        other_amount,
        quantity,
        -- delivery
        _row_key,
        _batch_id,
        _is_tied
    from named
)

select * from final
