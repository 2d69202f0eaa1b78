{{ replace(rows='version', touch='currency', order_by=['rate_date']) }}

with

latest as (
    {{ latest_versions('fx_rates') }}
),

final as (
    select
        -- identifiers
        source,
        rate_date,
        currency,
        -- figures
        rate,
        -- delivery
        _version_at,
        _row_key,
        _batch_id,
        _is_tied
    from latest
    where rate > 0
)

select * from final
