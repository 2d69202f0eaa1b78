with facts as (
    select * from {{ ref('int_gmv_facts') }}
),

sessions as (
    select * from {{ ref('int_gmv_visitors_daily') }}
),

parts as (
    select
        business_date,
        platform,
        {{ dimension_name() }} as dimension,
        {{ segment_name() }} as segment,
        {{ each_of(gmv_measures(), 'sum(@) as @') }}
    from facts
    {{ group_by_segments(['business_date', 'platform']) }}
    union all
    select
        business_date,
        platform,
        dimension,
        segment,
        visitors,
        {{ each_of(gmv_measures()[1:], '0 as @') }}
    from sessions
),

summed as (
    select
        business_date,
        platform,
        dimension,
        segment,
        {{ each_of(gmv_measures(), 'sum(@) as @') }}
    from parts
    group by business_date, platform, dimension, segment
),

final as (
    select
        business_date,
        platform,
        dimension,
        segment,
        cast(visitors as bigint) as visitors,
        -- decided here, before any sum: buyers are tracked where the very cell has visitors
        cast(case when visitors > 0 then buyers else 0 end as bigint) as tracked_buyers,
        cast(case when visitors > 0 then 0 else buyers end as bigint) as untracked_buyers,
        cast(buyers as bigint) as buyers,
        -- a second order in another segment than its buyer's has no buyer to be multiplied with
        cast(case when buyers > 0 then identified_orders else 0 end as bigint)
            as identified_orders,
        cast(orders - case when buyers > 0 then identified_orders else 0 end as bigint)
            as anonymous_orders,
        cast(orders as bigint) as orders,
        cast(units as bigint) as units,
        cast(new_buyers as bigint) as new_buyers,
        cast(gmv as decimal(18, 2)) as gmv,
        cast(net_sales as decimal(18, 2)) as net_sales,
        cast(net_sales_by_order_date as decimal(18, 2)) as net_sales_by_order_date
    from summed
)

select * from final
