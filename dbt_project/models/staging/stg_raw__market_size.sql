{{ replace(rows='version', order_by=['period_start']) }}

with

latest as (
    {{ latest_versions('market_size') }}
),

final as (
    select
        -- identifiers
        source,
        period_start,
        metric,
        category,
        -- figures
        value,
        origin,
        -- delivery
        _version_at,
        _row_key,
        _batch_id,
        _is_tied
    from latest
)

select * from final
