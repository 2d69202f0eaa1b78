with campaigns as (
    select * from {{ ref('int_campaigns_mapped') }}
),

final as (
    select
        platform,
        campaign,
        channel,
        channel_reason,
        source,
        account,
        campaign_id,
        first_date,
        last_date,
        cast(session_count as bigint) as session_count,
        cast(cost as decimal(18, 2)) as cost
    from campaigns
)

select * from final
