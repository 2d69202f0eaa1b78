with

spend as (
    select * from {{ ref('stg_raw__campaign_spend') }}
),

sessions as (
    select * from {{ ref('int_sessions_built') }}
    where campaign is not null
),

rules as (
    select * from {{ ref('spend_channels') }}
),

bought as (
    select
        platform,
        campaign,
        min(source) as source,
        min(spend_date) as first_spend_date,
        max(spend_date) as last_spend_date,
        sum(cost) as cost
    from spend
    where campaign is not null
    group by platform, campaign
),

visits as (
    select
        platform,
        campaign,
        channel,
        count(*) as session_count,
        min(business_date) as first_session_date,
        max(business_date) as last_session_date
    from sessions
    group by platform, campaign, channel
),

-- where most of its visits came from
visited as (
    select
        *,
        sum(session_count) over (partition by platform, campaign) as all_sessions,
        min(first_session_date) over (partition by platform, campaign) as first_date,
        max(last_session_date) over (partition by platform, campaign) as last_date
    from visits
    qualify
        row_number() over (
            partition by platform, campaign
            order by session_count desc, channel asc
        ) = 1
),

ruled as (
    select
        bought.platform,
        bought.campaign,
        rules.channel
    from bought
    inner join rules
        on
            lower(bought.source) like rules.source_pattern
            and lower(bought.campaign) like rules.campaign_pattern
    qualify
        row_number() over (
            partition by bought.platform, bought.campaign
            order by rules.priority, rules.channel
        ) = 1
),

final as (
    select
        coalesce(bought.platform, visited.platform) as platform,
        coalesce(bought.campaign, visited.campaign) as campaign,
        coalesce(visited.channel, ruled.channel, 'other') as channel,
        bought.source,
        least(bought.first_spend_date, visited.first_date) as first_date,
        greatest(bought.last_spend_date, visited.last_date) as last_date,
        coalesce(visited.all_sessions, 0) as session_count,
        coalesce(bought.cost, 0) as cost
    from bought
    full join visited
        on bought.platform = visited.platform and bought.campaign = visited.campaign
    left join ruled
        on bought.platform = ruled.platform and bought.campaign = ruled.campaign
)

select * from final
