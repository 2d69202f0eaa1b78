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
        cast({{ unless_unknown('hours.visitors', 'known.is_tracked') }} as bigint) as visitors,
        cast({{ unless_unknown('hours.orders', 'known.is_sales_known') }} as bigint) as orders,
        cast({{ unless_unknown('hours.gmv', 'known.is_sales_known') }} as decimal(18, 2)) as gmv
    from hours
    left join known
        on hours.business_date = known.period_start and hours.platform = known.platform
)

select * from final
