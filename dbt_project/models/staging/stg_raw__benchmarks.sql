with latest as (
    {{ latest_versions('benchmarks') }}
),

final as (
    select
        -- identifiers
        source,
        month as period_start,
        metric,
        coalesce(dimension, 'all') as dimension,
        coalesce(segment, 'all') as segment,
        origin,
        -- figures
        unit,
        value,
        base_month as base_start,
        -- delivery
        _version_at,
        _row_key,
        _batch_id,
        _is_tied
    from latest
)

select * from final
