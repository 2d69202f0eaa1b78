{{ replace(rows='version', touch='order_key', day='refund_date', order_by=['refund_date']) }}

with

latest as (
    {{ latest_versions('refunds') }}
),

final as (
    select
        -- identifiers
        source,
        refund_id,
        order_id,
        {{ join_key(['source', 'order_id']) }} as order_key,
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
    from latest
)

select * from final
