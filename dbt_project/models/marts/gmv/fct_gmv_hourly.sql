with

hours as (
    select * from {{ ref('int_gmv_hours') }}
),

known as (
    select * from {{ ref('int_gmv_known') }}
    where grain = 'day'
),

final as (
    select
        hours.hour_start,
        hours.business_date,
        hours.platform,
        hours.channel,
        {{ unless_unknown('hours.visitors', 'known.is_tracked') }} as visitors,
        {{ unless_unknown('hours.orders', 'known.is_sales_known') }} as orders,
        {{ unless_unknown('hours.gmv', 'known.is_sales_known') }} as gmv
    from hours
    left join known
        on hours.business_date = known.period_start and hours.platform = known.platform
)

select * from final
