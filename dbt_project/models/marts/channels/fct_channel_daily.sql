with

summed as (
    select * from {{ ref('int_channels_measured') }}
),

traffic as (
    select * from {{ ref('stg_raw__traffic_daily') }}
    where grain = 'traffic_source'
),

platforms as (
    select
        business_date,
        platform,
        sum(gmv) as gmv,
        sum(cost) as cost
    from summed
    group by business_date, platform
),

final as (
    select
        summed.business_date,
        summed.platform,
        summed.channel,
        true as is_additive,
        cast(summed.impressions as bigint) as impressions,
        cast(summed.clicks as bigint) as clicks,
        cast(summed.cost as decimal(18, 2)) as cost,
        cast(summed.visitors as bigint) as visitors,
        cast(summed.orders as bigint) as orders,
        cast(summed.gmv as decimal(18, 2)) as gmv,
        cast(summed.claimed_conversions as double) as claimed_conversions,
        cast(summed.attributed_gmv as double) as attributed_gmv,
        cast(summed.attributed_net_sales as double) as attributed_net_sales,
        cast(summed.new_customers as double) as new_customers,
        {{ ratio('summed.attributed_gmv', 'summed.cost') }} as roas,
        {{ ratio('summed.attributed_net_sales', 'summed.cost') }} as net_roas,
        {{ ratio('platforms.gmv', 'platforms.cost') }} as mer,
        {{ ratio('nullif(summed.cost, 0)', 'summed.new_customers') }} as cac,
        {{ ratio('nullif(summed.cost, 0)', 'platforms.gmv') }} as spend_rate,
        summed.cost > 0 and summed.new_customers = 0 as is_cac_undefined,
        cast(null as bigint) as paying_visitors
    from summed
    inner join platforms
        on
            summed.business_date = platforms.business_date
            and summed.platform = platforms.platform
    union all
    select
        traffic_date as business_date,
        platform,
        segment as channel,
        false as is_additive,
        null as impressions,
        null as clicks,
        null as cost,
        cast(sum(visitors) as bigint) as visitors,
        null as orders,
        null as gmv,
        null as claimed_conversions,
        null as attributed_gmv,
        null as attributed_net_sales,
        null as new_customers,
        null as roas,
        null as net_roas,
        null as mer,
        null as cac,
        null as spend_rate,
        false as is_cac_undefined,
        cast(sum(paying_visitors) as bigint) as paying_visitors
    from traffic
    group by traffic_date, platform, segment
)

select * from final
