with

bought as (
    select * from {{ ref('int_campaigns_bought') }}
),

spend as (
    select * from {{ ref('stg_raw__campaign_spend') }}
),

sessions as (
    select * from {{ ref('int_sessions_built') }}
    where campaign is not null
),

visits as (
    select
        platform,
        campaign,
        channel,
        count(*) as session_count,
        min(business_date) as first_date,
        max(business_date) as last_date
    from sessions
    group by platform, campaign, channel
),

-- a link may carry any name that a campaign had, or its number
names as (
    select
        campaign_key,
        platform,
        campaign
    from spend
    union
    select
        campaign_key,
        platform,
        campaign_id as campaign
    from spend
    where campaign_id is not null
),

met as (
    select
        visits.*,
        bought.campaign_key,
        bought.ruled_channel,
        coalesce(bought.ruled_channel = visits.channel, false) as is_own
    from visits
    left join names
        on visits.platform = names.platform and visits.campaign = names.campaign
    left join bought on names.campaign_key = bought.campaign_key
),

final as (
    select
        *,
        count(campaign_key) over (partition by platform, campaign, channel) as campaign_count,
        not is_own
        and max(case when is_own then 1 else 0 end) over (partition by platform, campaign, channel)
        = 1 as is_anothers
    from met
)

select * from final
