with facts as (
    select
        *,
        -- as a key of its own, for the platform is a key of every set
        platform as platform_segment
    from {{ ref('int_gmv_facts') }}
),

reported_platforms as (
    select distinct
        grain,
        platform,
        true as is_reported
    from facts
    where visitors is null
),

summed as (
    select
        grain,
        period_start,
        platform,
        case
            when platform_segment is not null then 'platform'
            when shop_segment is not null then 'shop'
            when channel_segment is not null then 'channel'
            when device_segment is not null then 'device'
            when region_segment is not null then 'region'
            when customer_type_segment is not null then 'customer_type'
            else 'all'
        end as dimension,
        coalesce(
            platform_segment, shop_segment, channel_segment, device_segment, region_segment,
            customer_type_segment, 'all'
        ) as segment,
        sum(visitors) as visitors,
        sum(buyers) as buyers,
        sum(new_buyers) as new_buyers,
        sum(repeat_buyers) as repeat_buyers,
        sum(identified_orders) as identified_orders,
        sum(orders) as orders,
        sum(units) as units,
        sum(gmv) as gmv,
        sum(net_sales) as net_sales,
        sum(net_sales_by_order_date) as net_sales_by_order_date
    from facts
    group by
        grouping sets (
            (grain, period_start, platform),
            (grain, period_start, platform, platform_segment),
            (grain, period_start, platform, shop_segment),
            (grain, period_start, platform, channel_segment),
            (grain, period_start, platform, device_segment),
            (grain, period_start, platform, region_segment),
            (grain, period_start, platform, customer_type_segment)
        )
),

final as (
    select
        summed.grain,
        summed.period_start,
        summed.platform,
        dimension,
        segment,
        case when reported_platforms.is_reported is null then cast(visitors as bigint) end
            as visitors,
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
        cast(repeat_buyers as bigint) as repeat_buyers,
        cast(gmv as decimal(18, 2)) as gmv,
        cast(net_sales as decimal(18, 2)) as net_sales,
        cast(net_sales_by_order_date as decimal(18, 2)) as net_sales_by_order_date
    from summed
    left join reported_platforms
        on
            summed.grain = reported_platforms.grain
            and summed.platform = reported_platforms.platform
)

select * from final
