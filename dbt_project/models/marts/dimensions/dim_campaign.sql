with campaigns as (
    select * from {{ ref('int_campaigns_mapped') }}
),

-- of two sources that tell of a campaign the later one counts
plans as (
    select * from {{ ref('stg_raw__campaigns') }}
    qualify
        row_number() over (
            partition by platform, campaign order by _version_at desc, source desc
        ) = 1
),

-- by its number, else by its name
found as (
    select
        campaigns.*,
        coalesce(by_number.campaign, by_name.campaign) as planned_as
    from campaigns
    left join plans as by_number
        on
            campaigns.platform = by_number.platform
            and campaigns.campaign_id = by_number.campaign
    left join plans as by_name
        on campaigns.platform = by_name.platform and campaigns.campaign = by_name.campaign
),

planned as (
    select
        found.*,
        plans.kind,
        plans.first_date as planned_first_date,
        plans.last_date as planned_last_date
    from found
    left join plans on found.platform = plans.platform and found.planned_as = plans.campaign
),

-- planned, and neither spent on nor visited
idle as (
    select plans.*
    from plans
    left join planned
        on plans.platform = planned.platform and plans.campaign = planned.planned_as
    where planned.planned_as is null
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
        kind,
        planned_first_date,
        planned_last_date,
        first_date,
        last_date,
        cast(session_count as bigint) as session_count,
        cast(cost as decimal(18, 2)) as cost
    from planned
    union all
    select
        platform,
        campaign,
        'other' as channel,
        'planned' as channel_reason,
        null as source,
        null as account,
        null as campaign_id,
        kind,
        first_date as planned_first_date,
        last_date as planned_last_date,
        null as first_date,
        null as last_date,
        0 as session_count,
        0 as cost
    from idle
)

select * from final
