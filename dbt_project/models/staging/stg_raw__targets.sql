{{ replace(rows='version', order_by=['period_start']) }}

with

latest as (
    {{ latest_versions('targets') }}
),

final as (
    select
        -- identifiers
        source,
        period,
        case
            when period = 'month' then cast(date_trunc('month', period_start) as date)
            else period_start
        end as period_start,
        metric,
        coalesce(dimension, 'all') as dimension,
        coalesce(segment, 'all') as segment,
        -- figures
        value,
        -- delivery
        _version_at,
        _row_key,
        _batch_id,
        _is_tied
    from latest
)

select * from final
