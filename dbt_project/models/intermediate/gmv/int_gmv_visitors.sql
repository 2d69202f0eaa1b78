{{ replace(
    rows='day', day='period_end', order_by=['period_end'],
    affected={'int_gmv_visitors_counted': [0, 0], 'int_gmv_visitors_identified': [0, 0]}
) }}

with

counted as (
    select * from {{ ref('int_gmv_visitors_counted') }}
    where {{ only_affected_days('period_end') }}
),

identified as (
    select * from {{ ref('int_gmv_visitors_identified') }}
    where {{ only_affected_days('period_end') }}
),

-- who is identified was counted among all, and is taken out of those who are not
parts as (
    select
        *,
        '(unidentified)' as customer_type_segment
    from counted
    {% for visitors, customer_type in [(1, 'customer_type_segment'), (-1, "'(unidentified)'")] %}
        union all
        select
            grain,
            period_start,
            period_end,
            platform,
            shop_segment,
            channel_segment,
            device_segment,
            region_segment,
            {{ visitors }} as visitors,
            {{ customer_type }} as customer_type_segment
        from identified
    {% endfor %}
),

final as (
    select
        grain,
        period_start,
        period_end,
        platform,
        shop_segment,
        channel_segment,
        device_segment,
        region_segment,
        customer_type_segment,
        cast(sum(visitors) as bigint) as visitors
    from parts
    group by
        grain, period_start, period_end, platform, shop_segment, channel_segment,
        device_segment, region_segment, customer_type_segment
    having sum(visitors) > 0
)

select * from final
