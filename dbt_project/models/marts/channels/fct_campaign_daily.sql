with

campaigns as (
    select * from {{ ref('int_campaigns_mapped') }}
    where campaign_key is not null
),

visited as (
    select * from {{ ref('int_campaigns_visited') }}
),

spend as (
    select * from {{ ref('stg_raw__campaign_spend') }}
),

visits as (
    select * from {{ ref('int_campaign_visits') }}
),

credits as (
    select * from {{ ref('int_attribution_cells') }}
    where model = 'last_non_direct'
),

known as (
    select * from {{ ref('int_channels_known') }}
),

-- whose the visits of a name and channel are, where one campaign alone can have brought them
takers as (
    select
        visited.platform,
        visited.campaign,
        visited.channel,
        min(campaigns.campaign_key) as campaign_key
    from visited
    inner join campaigns on visited.campaign_key = campaigns.campaign_key
    where
        campaigns.channel_reason in ('account and visits', 'visits', 'unclear')
        and campaigns.session_count is not null
        and (visited.campaign_count = 1 or visited.channel = campaigns.channel)
    group by visited.platform, visited.campaign, visited.channel
    having count(*) = 1
),

entries as (
    select
        spend_date as business_date,
        platform,
        campaign_key,
        null as campaign,
        null as channel,
        impressions,
        clicks,
        cost,
        claimed_conversions,
        0 as session_count,
        0 as visitors,
        0 as orders,
        0 as gmv,
        0 as refunds
    from spend
    union all
    select
        visits.business_date,
        visits.platform,
        takers.campaign_key,
        case when takers.campaign_key is null then visits.campaign end as campaign,
        case when takers.campaign_key is null then visits.channel end as channel,
        null as impressions,
        null as clicks,
        null as cost,
        null as claimed_conversions,
        visits.session_count,
        visits.visitors,
        0 as orders,
        0 as gmv,
        0 as refunds
    from visits
    left join takers
        on
            visits.platform = takers.platform
            and visits.campaign = takers.campaign
            and visits.channel = takers.channel
    union all
    select
        credits.business_date,
        credits.platform,
        takers.campaign_key,
        case when takers.campaign_key is null then credits.campaign end as campaign,
        case when takers.campaign_key is null then credits.channel end as channel,
        null as impressions,
        null as clicks,
        null as cost,
        null as claimed_conversions,
        0 as session_count,
        0 as visitors,
        credits.orders,
        credits.gmv,
        credits.refunds
    from credits
    left join takers
        on
            credits.platform = takers.platform
            and credits.campaign = takers.campaign
            and credits.channel = takers.channel
),

summed as (
    select
        business_date,
        platform,
        campaign_key,
        campaign,
        channel,
        -- a campaign without a row of spend had none; what its rows do not tell is not known
        case when count(cost) > 0 then sum(impressions) else 0 end as impressions,
        case when count(cost) > 0 then sum(clicks) else 0 end as clicks,
        coalesce(sum(cost), 0) as cost,
        case when count(cost) > 0 then sum(claimed_conversions) else 0 end as claimed_conversions,
        sum(session_count) as session_count,
        sum(visitors) as visitors,
        sum(orders) as orders,
        sum(gmv) as attributed_gmv,
        sum(gmv) + sum(refunds) as attributed_net_sales
    from entries
    group by business_date, platform, campaign_key, campaign, channel
),

-- visits that several campaigns may have brought are of the name, and nobody knows those of each
placed as (
    select
        summed.*,
        campaigns.source,
        campaigns.account,
        campaigns.campaign_id,
        coalesce(campaigns.campaign, summed.campaign) as campaign_name,
        coalesce(campaigns.channel, summed.channel) as channel_name,
        campaigns.campaign_key is not null and campaigns.session_count is null as is_shared
    from summed
    left join campaigns on summed.campaign_key = campaigns.campaign_key
),

-- where no feed tells, a sum of nothing is not zero
told as (
    select
        placed.business_date,
        placed.platform,
        placed.source,
        placed.account,
        placed.campaign_id,
        placed.campaign_name as campaign,
        placed.channel_name as channel,
        {% for name in ['impressions', 'clicks', 'cost', 'claimed_conversions'] %}
            {{ unless_unknown('placed.' ~ name, 'known.is_spend_known') }} as {{ name }},
        {% endfor %}
        {% for name in ['session_count', 'visitors'] %}
            {{ unless_unknown('placed.' ~ name, 'known.is_tracked and not placed.is_shared') }}
                as {{ name }},
        {% endfor %}
        {% for name in ['orders', 'attributed_gmv'] %}
            {{ unless_unknown(
                'placed.' ~ name, 'known.is_tracked and known.is_sales_known and not placed.is_shared'
            ) }} as {{ name }},
        {% endfor %}
        case
            when known.is_refunds_known and known.is_sales_known
                then {{ unless_unknown(
                    'placed.attributed_net_sales', 'known.is_tracked and not placed.is_shared'
                ) }}
        end as attributed_net_sales,
        case when known.is_tracked and not placed.is_shared then nullif(placed.cost, 0) end
            as tracked_cost
    from placed
    inner join known
        on
            placed.business_date = known.business_date
            and placed.platform = known.platform
),

final as (
    select
        business_date,
        platform,
        source,
        account,
        campaign_id,
        campaign,
        channel,
        cast(cost as decimal(18, 2)) as cost,
        cast(impressions as bigint) as impressions,
        cast(clicks as bigint) as clicks,
        cast(session_count as bigint) as session_count,
        cast(visitors as bigint) as visitors,
        cast(orders as bigint) as orders,
        cast(attributed_gmv as double) as attributed_gmv,
        cast(attributed_net_sales as double) as attributed_net_sales,
        cast(claimed_conversions as double) as claimed_conversions,
        {{ ratio('attributed_gmv', 'tracked_cost') }} as roas,
        {{ ratio('attributed_net_sales', 'tracked_cost') }} as net_roas,
        {{ ratio('claimed_conversions', 'orders') }} as over_claim_ratio
    from told
)

select * from final
