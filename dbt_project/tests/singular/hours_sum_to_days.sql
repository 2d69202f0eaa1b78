-- The hours of a day and platform hold its paid orders, and the hours of a phase those since it
-- began.
with

staged as (
    select
        business_date,
        platform,
        channel,
        count(*) as orders,
        sum(paid_amount) as gmv
    from {{ ref('fct_orders') }}
    where is_paid
    group by business_date, platform, channel
),

hours as (
    select
        business_date,
        platform,
        channel,
        sum(orders) as orders,
        sum(gmv) as gmv
    from {{ ref('fct_gmv_hourly') }}
    group by business_date, platform, channel
),

final as (
    select
        hours.business_date,
        hours.platform,
        hours.channel
    from hours
    left join staged
        on
            hours.business_date = staged.business_date
            and hours.platform = staged.platform
            and hours.channel = staged.channel
    where
        coalesce(hours.orders, 0) != coalesce(staged.orders, 0)
        or coalesce(hours.gmv, 0) != coalesce(staged.gmv, 0)
    union all
    select
        staged.business_date,
        staged.platform,
        staged.channel
    from staged
    left join hours
        on
            staged.business_date = hours.business_date
            and staged.platform = hours.platform
            and staged.channel = hours.channel
    where hours.platform is null
)

select * from final
