with latest as (
    {{ latest_versions('campaigns') }}
),

final as (
    select
        -- identifiers
        source,
        platform,
        campaign,
        -- figures
        first_day as first_date,
        last_day as last_date,
        kind,
        -- delivery
        _version_at,
        _row_key,
        _batch_id,
        _is_tied
    from latest
)

select * from final
