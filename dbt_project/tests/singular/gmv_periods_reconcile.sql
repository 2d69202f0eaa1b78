-- Weeks and months: orders and amounts are sums of their days, in every segment that an order
-- keeps; visitors and buyers are the distinct ones of the period, counted by the shortest way.
{% set grains = {'week': 'fct_gmv_weekly', 'month': 'fct_gmv_monthly'} %}
with

daily as (
    select * from {{ ref('fct_gmv_daily') }}
    where dimension != 'customer_type'
),

differences as (
    {% for grain, table in grains.items() %}
        select
            '{{ grain }}' as grain,
            period_start,
            dimension,
            segment
        from (
            select
                {{ period_start(grain, 'business_date') }} as period_start,
                dimension,
                segment,
                orders,
                units,
                gmv,
                net_sales,
                net_sales_by_order_date
            from daily
            union all
            select
                period_start,
                dimension,
                segment,
                -orders as orders,
                -units as units,
                -gmv as gmv,
                -net_sales as net_sales,
                -net_sales_by_order_date as net_sales_by_order_date
            from {{ ref(table) }}
            where dimension != 'customer_type'
        ) as both_sides
        group by period_start, dimension, segment
        having
            sum(orders) != 0
            or sum(units) != 0
            or sum(gmv) != 0
            or sum(net_sales) != 0
            or sum(net_sales_by_order_date) != 0
        union all
        select
            '{{ grain }}' as grain,
            coalesce(counted.period_start, gmv.period_start) as period_start,
            'platform' as dimension,
            coalesce(counted.platform, gmv.segment) as segment
        from (
            select
                {{ period_start(grain, 'business_date') }} as period_start,
                platform,
                count(distinct visitor_key) as visitors,
                count(distinct customer_key) as buyers
            from (
                select
                    business_date,
                    platform,
                    visitor_key,
                    null as customer_key
                from {{ ref('fct_sessions') }}
                union all
                select
                    business_date,
                    platform,
                    null as visitor_key,
                    customer_key
                from {{ ref('fct_orders') }}
                where is_paid
            ) as people
            group by {{ period_start(grain, 'business_date') }}, platform
        ) as counted
        full join {{ ref(table) }} as gmv
            on
                counted.period_start = gmv.period_start
                and counted.platform = gmv.segment
                and gmv.dimension = 'platform'
        where
            coalesce(gmv.dimension, 'platform') = 'platform'
            and (
                coalesce(counted.visitors, 0) != coalesce(gmv.visitors, 0)
                or coalesce(counted.buyers, 0) != coalesce(gmv.buyers, 0)
            )
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

final as (
    select * from differences
)

select * from final
