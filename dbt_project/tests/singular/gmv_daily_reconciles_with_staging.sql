-- GMV, orders, buyers, refunds and visitors of each day and platform, by the shortest way; what a
-- day of lost orders would be less its refunds is not known.
{% set built_of = [
    'fct_orders', 'int_sessions_built', 'stg_raw__refunds', 'stg_raw__traffic_daily'
] %}
with expected as (
    select
        business_date,
        platform,
        sum(paid_amount) as gmv,
        count(*) as orders,
        count(distinct customer_key) as buyers,
        0 as refunds,
        0 as visitors
    from {{ ref('fct_orders') }}
    where is_paid and {{ only_tested_days('business_date', built_of) }}
    group by business_date, platform
    union all
    select
        refunds.refund_date as business_date,
        orders.platform,
        0 as gmv,
        0 as orders,
        0 as buyers,
        sum(refunds.goods_amount) as refunds,
        0 as visitors
    from {{ ref('int_refunds_converted') }} as refunds
    inner join {{ ref('stg_raw__orders') }} as staged on refunds.order_key = staged.order_key
    inner join {{ ref('fct_orders') }} as orders
        on staged.main_order_key = {{ join_key(['orders.source', 'orders.order_id']) }}
    where orders.is_paid and {{ only_tested_days('refunds.refund_date', built_of) }}
    group by refunds.refund_date, orders.platform
    union all
    select
        business_date,
        platform,
        0 as gmv,
        0 as orders,
        0 as buyers,
        0 as refunds,
        count(distinct visitor_key) as visitors
    from {{ ref('fct_sessions') }}
    where {{ only_tested_days('business_date', built_of) }}
    group by business_date, platform
    union all
    select
        traffic_date as business_date,
        platform,
        0 as gmv,
        0 as orders,
        0 as buyers,
        0 as refunds,
        sum(visitors) as visitors
    from {{ ref('stg_raw__traffic_daily') }}
    where
        grain = 'shop'
        and {{ only_tested_days('traffic_date', built_of) }}
        and platform not in (select sessions.platform from {{ ref('fct_sessions') }} as sessions)
    group by traffic_date, platform
),

both_sides as (
    select
        business_date,
        platform,
        gmv,
        orders,
        buyers,
        refunds,
        visitors,
        false as is_unknown
    from expected
    union all
    select
        business_date,
        segment as platform,
        -gmv as gmv,
        -orders as orders,
        -buyers as buyers,
        net_sales - gmv as refunds,
        -visitors as visitors,
        gmv is null as is_unknown
    from {{ ref('fct_gmv_daily') }}
    where dimension = 'platform' and {{ only_tested_days('business_date', built_of) }}
)

select
    business_date,
    platform
from both_sides
group by business_date, platform
having
    sum(gmv) != 0
    or sum(orders) != 0
    or sum(buyers) != 0
    or (sum(refunds) != 0 and not bool_or(is_unknown))
    or sum(visitors) != 0
