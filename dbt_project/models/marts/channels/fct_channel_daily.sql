with

measured as (
    select * from {{ ref('int_channels_measured') }}
),

known as (
    select * from {{ ref('int_channels_known') }}
),

traffic as (
    select * from {{ ref('stg_raw__traffic_daily') }}
    where grain = 'traffic_source'
),

-- where no feed tells, a sum of nothing is not zero
summed as (
    select
        measured.business_date,
        measured.platform,
        measured.channel,
        known.is_tracked,
        {% for name in ['impressions', 'clicks', 'cost', 'claimed_conversions'] %}
            {{ unless_unknown('measured.' ~ name, 'known.is_spend_known') }} as {{ name }},
        {% endfor %}
        {{ unless_unknown('measured.visitors', 'known.is_tracked') }} as visitors,
        {% for name in ['attributed_gmv', 'new_customers'] %}
            {{ unless_unknown('measured.' ~ name, 'known.is_tracked and known.is_sales_known') }}
                as {{ name }},
        {% endfor %}
        case
            when known.is_refunds_known and known.is_sales_known
                then {{ unless_unknown('measured.attributed_net_sales', 'known.is_tracked') }}
        end as attributed_net_sales,
        {{ unless_unknown('measured.orders', 'known.is_sales_known') }} as orders,
        {{ unless_unknown('measured.gmv', 'known.is_sales_known') }} as gmv
    from measured
    inner join known
        on
            measured.business_date = known.business_date
            and measured.platform = known.platform
),

compared as (
    select
        *,
        sum(gmv) over (partition by business_date, platform) as platform_gmv,
        sum(cost) over (partition by business_date, platform) as platform_cost,
        sum(gmv) over (partition by business_date) as company_gmv,
        case when is_tracked then nullif(cost, 0) end as tracked_cost
    from summed
),

final as (
    select
        business_date,
        platform,
        channel,
        true as is_additive,
        cast(impressions as bigint) as impressions,
        cast(clicks as bigint) as clicks,
        cast(cost as decimal(18, 2)) as cost,
        cast(visitors as bigint) as visitors,
        cast(orders as bigint) as orders,
        cast(gmv as decimal(18, 2)) as gmv,
        cast(claimed_conversions as double) as claimed_conversions,
        cast(attributed_gmv as double) as attributed_gmv,
        cast(attributed_net_sales as double) as attributed_net_sales,
        cast(new_customers as double) as new_customers,
        {{ ratio('attributed_gmv', 'tracked_cost') }} as roas,
        {{ ratio('attributed_net_sales', 'tracked_cost') }} as net_roas,
        {{ ratio('platform_gmv', 'platform_cost') }} as mer,
        {{ ratio('tracked_cost', 'new_customers') }} as cac,
        {{ ratio('nullif(cost, 0)', 'company_gmv') }} as spend_rate,
        coalesce(tracked_cost > 0 and new_customers = 0, false) as is_cac_undefined,
        cast(null as bigint) as paying_visitors
    from compared
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
