-- By day and platform: visitors, orders and gmv of the channels are those of fct_gmv_daily, spend
-- is what staging has, credited gmv and net sales those of fct_gmv_daily too. Reported sources of
-- traffic are those of staging.
with

both_sides as (
    select
        business_date,
        platform,
        visitors,
        orders,
        gmv,
        cost,
        attributed_gmv,
        attributed_net_sales,
        0 as reported_visitors
    from {{ ref('fct_channel_daily') }}
    where is_additive
    union all
    select
        business_date,
        platform,
        0 as visitors,
        0 as orders,
        0 as gmv,
        0 as cost,
        0 as attributed_gmv,
        0 as attributed_net_sales,
        visitors as reported_visitors
    from {{ ref('fct_channel_daily') }}
    where not is_additive
    union all
    select
        business_date,
        segment as platform,
        -visitors as visitors,
        -orders as orders,
        -gmv as gmv,
        0 as cost,
        -gmv as attributed_gmv,
        -net_sales as attributed_net_sales,
        0 as reported_visitors
    from {{ ref('fct_gmv_daily') }}
    where dimension = 'platform'
    union all
    select
        spend_date as business_date,
        platform,
        0 as visitors,
        0 as orders,
        0 as gmv,
        -cost as cost,
        0 as attributed_gmv,
        0 as attributed_net_sales,
        0 as reported_visitors
    from {{ ref('stg_raw__campaign_spend') }}
    union all
    select
        traffic_date as business_date,
        platform,
        0 as visitors,
        0 as orders,
        0 as gmv,
        0 as cost,
        0 as attributed_gmv,
        0 as attributed_net_sales,
        -visitors as reported_visitors
    from {{ ref('stg_raw__traffic_daily') }}
    where grain = 'traffic_source'
)

select
    business_date,
    platform
from both_sides
group by business_date, platform
having
    sum(visitors) != 0
    or sum(orders) != 0
    or sum(gmv) != 0
    or sum(cost) != 0
    or sum(reported_visitors) != 0
    or abs(sum(attributed_gmv)) > 1e-4
    or abs(sum(attributed_net_sales)) > 1e-4
