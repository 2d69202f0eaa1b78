{{ replace(rows='version', order_by=['started_at']) }}

with

latest as (
    {{ latest_versions('live_sessions') }}
),

final as (
    select
        -- identifiers
        source,
        live_room_id,
        platform,
        shop_id,
        -- instants
        started_at,
        ended_at,
        -- who
        kind,
        host,
        -- figures
        viewers,
        product_clicks,
        commission_rate,
        slot_fee,
        -- delivery
        _row_key,
        _batch_id,
        _is_tied
    from latest
)

select * from final
