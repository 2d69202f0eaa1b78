with

spend as (
    select * from {{ ref('stg_raw__campaign_spend') }}
),

campaigns as (
    select * from {{ ref('int_campaigns_mapped') }}
),

cells as (
    select * from {{ ref('int_gmv_cells') }}
    where grain = 'day' and dimension = 'channel'
),

credits as (
    select * from {{ ref('int_attribution_cells') }}
),

measured as (
    select
        period_start as business_date,
        platform,
        segment as channel,
        visitors,
        orders,
        gmv,
        null as impressions,
        null as clicks,
        null as cost,
        null as claimed_conversions,
        0 as attributed_gmv,
        0 as attributed_net_sales,
        0 as new_customers
    from cells
    union all
    select
        spend.spend_date as business_date,
        spend.platform,
        coalesce(campaigns.channel, 'other') as channel,
        0 as visitors,
        0 as orders,
        0 as gmv,
        spend.impressions,
        spend.clicks,
        spend.cost,
        spend.claimed_conversions,
        0 as attributed_gmv,
        0 as attributed_net_sales,
        0 as new_customers
    from spend
    left join campaigns on spend.campaign_key = campaigns.campaign_key
    union all
    -- returns on spend by the last visit that somebody sent, new customers by the first visit
    select
        business_date,
        platform,
        channel,
        0 as visitors,
        0 as orders,
        0 as gmv,
        null as impressions,
        null as clicks,
        null as cost,
        null as claimed_conversions,
        case when model = 'last_non_direct' then gmv else 0 end as attributed_gmv,
        case when model = 'last_non_direct' then gmv + refunds else 0 end as attributed_net_sales,
        case when model = 'first' then new_customers else 0 end as new_customers
    from credits
    where model in ('first', 'last_non_direct')
),

final as (
    select
        business_date,
        platform,
        channel,
        sum(visitors) as visitors,
        sum(orders) as orders,
        sum(gmv) as gmv,
        -- a channel without a row of spend had none; what its rows do not tell is not known
        case when count(cost) > 0 then sum(impressions) else 0 end as impressions,
        case when count(cost) > 0 then sum(clicks) else 0 end as clicks,
        coalesce(sum(cost), 0) as cost,
        case when count(cost) > 0 then sum(claimed_conversions) else 0 end as claimed_conversions,
        sum(attributed_gmv) as attributed_gmv,
        sum(attributed_net_sales) as attributed_net_sales,
        sum(new_customers) as new_customers
    from measured
    group by business_date, platform, channel
)

select * from final
