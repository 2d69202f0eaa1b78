{% set sums = {
    'tracked_buyers': 'bigint', 'untracked_buyers': 'bigint', 'buyers': 'bigint',
    'identified_orders': 'bigint', 'anonymous_orders': 'bigint', 'orders': 'bigint',
    'units': 'bigint', 'new_buyers': 'bigint', 'repeat_buyers': 'bigint',
    'gmv': 'decimal(18, 2)'
} %}
with facts as (
    select
        *,
        -- as a key of its own, for the platform is a key of every set
        platform as platform_segment
    from {{ ref('int_gmv_facts') }}
),

known as (
    select * from {{ ref('int_gmv_known') }}
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
        case when sum(orders) = 0 or count(units) > 0 then coalesce(sum(units), 0) end as units,
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

placed as (
    select
        grain,
        period_start,
        platform,
        dimension,
        segment,
        visitors,
        buyers,
        new_buyers,
        repeat_buyers,
        orders,
        units,
        gmv,
        net_sales,
        net_sales_by_order_date,
        -- decided here, before any sum: buyers are tracked where the very cell has visitors
        case when visitors > 0 then buyers else 0 end as tracked_buyers,
        case when visitors > 0 then 0 else buyers end as untracked_buyers,
        -- a second order in another segment than its buyer's has no buyer to be multiplied with
        case when buyers > 0 then identified_orders else 0 end as identified_orders,
        orders - case when buyers > 0 then identified_orders else 0 end as anonymous_orders
    from summed
),

-- where no feed tells of sales or visitors, a sum of nothing is not zero
final as (
    select
        summed.grain,
        summed.period_start,
        summed.platform,
        dimension,
        segment,
        {% for name, type in sums.items() %}
            cast({{ unless_unknown(name, 'known.is_sales_known') }} as {{ type }})
                as {{ name }},
        {% endfor %}
        {% for name in ['net_sales', 'net_sales_by_order_date'] %}
            case
                when known.is_refunds_known
                    then cast(
                        {{ unless_unknown(name, 'known.is_sales_known') }} as decimal(18, 2)
                    )
            end as {{ name }},
        {% endfor %}
        case
            when reported_platforms.is_reported is null
                then cast({{ unless_unknown('visitors', 'known.is_traffic_known') }} as bigint)
        end as visitors
    from placed as summed
    left join known
        on
            summed.grain = known.grain
            and summed.period_start = known.period_start
            and summed.platform = known.platform
    left join reported_platforms
        on
            summed.grain = reported_platforms.grain
            and summed.platform = reported_platforms.platform
)

select * from final
