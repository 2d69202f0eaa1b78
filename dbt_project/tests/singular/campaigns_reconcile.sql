-- By day and platform: spend, visitors and credited sales of the campaigns are those of the
-- channels; over all days each campaign has the sessions that dim_campaign counts.
with

both_sides as (
    select
        business_date,
        platform,
        cost,
        visitors,
        attributed_gmv,
        attributed_net_sales
    from {{ ref('fct_campaign_daily') }}
    union all
    select
        business_date,
        platform,
        -cost as cost,
        case when visitors is not null and is_tracked then -visitors end as visitors,
        -attributed_gmv as attributed_gmv,
        -attributed_net_sales as attributed_net_sales
    from (
        select
            channels.*,
            known.is_tracked
        from {{ ref('fct_channel_daily') }} as channels
        inner join {{ ref('int_channels_known') }} as known
            on
                channels.business_date = known.business_date
                and channels.platform = known.platform
        where channels.is_additive
    ) as tracked
),

sessions as (
    select
        platform,
        source,
        account,
        campaign_id,
        campaign,
        sum(session_count) as session_count
    from {{ ref('fct_campaign_daily') }}
    where source is not null
    group by platform, source, account, campaign_id, campaign
),

final as (
    select
        platform,
        cast(business_date as string) as what
    from both_sides
    group by platform, business_date
    having
        coalesce(sum(cost), 0) != 0
        or coalesce(sum(visitors), 0) != 0
        or abs(coalesce(sum(attributed_gmv), 0)) > 1e-6
        or abs(coalesce(sum(attributed_net_sales), 0)) > 1e-6
    union all
    select
        sessions.platform,
        sessions.campaign as what
    from sessions
    inner join {{ ref('dim_campaign') }} as campaigns
        on
            sessions.platform = campaigns.platform
            and sessions.source = campaigns.source
            and sessions.account is not distinct from campaigns.account
            and sessions.campaign_id is not distinct from campaigns.campaign_id
            and sessions.campaign = campaigns.campaign
    where coalesce(sessions.session_count, 0) != coalesce(campaigns.session_count, 0)
)

select * from final
