{{ replace(rows='version', order_by=['hour_start']) }}

with

latest as (
    {{ latest_versions('service_health') }}
),

final as (
    select
        -- identifiers
        source,
        hour_start,
        metric,
        -- figures
        value,
        -- delivery
        _row_key,
        _batch_id,
        _is_tied
    from latest
)

select * from final
