{{ replace(rows='version', order_by=['exposed_at']) }}

with

latest as (
    {{ latest_versions('exposures') }}
),

final as (
    select
        -- identifiers
        source,
        experiment,
        variant,
        visitor_key,
        -- instants
        exposed_at,
        -- delivery
        _row_key,
        _batch_id
    from latest
)

select * from final
