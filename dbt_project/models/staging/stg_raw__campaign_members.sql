{{ replace(rows='version', order_by=['member_from']) }}

with

latest as (
    {{ latest_versions('campaign_members') }}
),

final as (
    select
        -- identifiers
        source,
        customer_key,
        campaign_id,
        -- local dates
        member_from,
        member_to,
        -- delivery
        _row_key,
        _batch_id,
        _is_tied
    from latest
)

select * from final
