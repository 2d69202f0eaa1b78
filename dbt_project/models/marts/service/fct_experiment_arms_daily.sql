with

exposures as (
    select * from {{ ref('stg_raw__exposures') }}
),

sources as (
    select * from {{ ref('int_sources_placed') }}
),

orders as (
    select * from {{ ref('int_orders_rolled_up') }}
    where is_paid
),

linked as (
    select * from {{ ref('int_orders_linked') }}
),

tracked as (
    select distinct platform from {{ ref('int_sessions_built') }}
),

calendar as (
    select max(business_date) as last_date from {{ ref('int_calendar_days') }}
),

-- the first exposure of a visitor counts; who saw two variants is in neither
visitors as (
    select
        sources.platform,
        exposures.experiment,
        exposures.visitor_key,
        case
            when count(distinct exposures.variant) > 1 then '(several)'
            else min(exposures.variant)
        end as variant,
        min(exposures.exposed_at) as exposed_at
    from exposures
    inner join sources on exposures.source = sources.source
    group by sources.platform, exposures.experiment, exposures.visitor_key
),

-- before and after the exposure, each for a span of the same length to everyone
spent as (
    select
        visitors.platform,
        visitors.experiment,
        visitors.visitor_key,
        sum(case when orders.ordered_at >= visitors.exposed_at then 1 else 0 end) as orders,
        sum(case when orders.ordered_at >= visitors.exposed_at then orders.paid_goods_amount end)
            as revenue,
        sum(case when orders.ordered_at < visitors.exposed_at then orders.paid_goods_amount end)
            as pre_period_revenue
    from visitors
    inner join linked
        on visitors.platform = linked.platform and visitors.visitor_key = linked.visitor_key
    inner join orders
        on
            linked.main_order_key = orders.main_order_key
            and orders.ordered_at
            >= {{ plus_seconds('visitors.exposed_at', -86400 * var('experiment_pre_days')) }}
            and orders.ordered_at
            < {{ plus_seconds('visitors.exposed_at', 86400 * var('experiment_days')) }}
    group by visitors.platform, visitors.experiment, visitors.visitor_key
),

measured as (
    select
        visitors.platform,
        visitors.experiment,
        visitors.variant,
        {{ local_date('visitors.exposed_at') }} as business_date,
        case when spent.orders > 0 then 1 else 0 end as is_buyer,
        cast(coalesce(spent.orders, 0) as bigint) as orders,
        cast(coalesce(spent.revenue, 0) as decimal(18, 2)) as revenue,
        cast(coalesce(spent.pre_period_revenue, 0) as decimal(18, 2)) as pre_period_revenue
    from visitors
    left join spent
        on
            visitors.platform = spent.platform
            and visitors.experiment = spent.experiment
            and visitors.visitor_key = spent.visitor_key
),

-- squares and products in decimals: the same in any order
summed as (
    select
        business_date,
        platform,
        experiment,
        variant,
        count(*) as exposed,
        cast(sum(is_buyer) as bigint) as converted,
        cast(sum(orders) as bigint) as orders,
        cast(sum(orders * orders) as double) as orders_sq,
        cast(sum(revenue * orders) as double) as revenue_orders,
        cast(sum(revenue) as decimal(18, 2)) as revenue,
        cast(sum(revenue * revenue) as double) as revenue_sq,
        cast(sum(pre_period_revenue) as decimal(18, 2)) as pre_period_revenue,
        cast(sum(pre_period_revenue * pre_period_revenue) as double) as pre_period_revenue_sq,
        cast(sum(revenue * pre_period_revenue) as double) as revenue_pre_period_revenue,
        cast(sum(is_buyer * pre_period_revenue) as double) as converted_pre_period_revenue
    from measured
    group by business_date, platform, experiment, variant
),

flagged as (
    select
        summed.*,
        tracked.platform is not null as is_tracked,
        tracked.platform is not null
        and summed.business_date + {{ var('experiment_days') }} <= calendar.last_date as is_mature
    from summed
    cross join calendar
    left join tracked on summed.platform = tracked.platform
),

final as (
    select
        business_date,
        platform,
        experiment,
        variant,
        exposed,
        is_mature,
        {% for name in [
            'converted', 'orders', 'orders_sq', 'revenue', 'revenue_sq', 'revenue_orders',
            'revenue_pre_period_revenue', 'converted_pre_period_revenue'
        ] %}
            case when is_mature then {{ name }} end as {{ name }},
        {% endfor %}
        case when is_tracked then pre_period_revenue end as pre_period_revenue,
        case when is_tracked then pre_period_revenue_sq end as pre_period_revenue_sq,
        {{ ratio('case when is_mature then converted end', 'exposed') }} as conversion_rate
    from flagged
)

select * from final
