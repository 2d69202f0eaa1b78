{{ replace(rows='version', order_by=['month']) }}

with

latest as (
    {{ latest_versions('headcount') }}
),

final as (
    select
        -- identifiers
        source,
        month,
        team,
        -- figures
        headcount,
        -- delivery
        _row_key,
        _batch_id,
        _is_tied
    from latest
)

select * from final
