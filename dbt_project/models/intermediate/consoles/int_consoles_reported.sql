with

console as (
    select * from {{ ref('stg_raw__platform_daily') }}
),

traffic as (
    select * from {{ ref('stg_raw__traffic_daily') }}
    where grain = 'shop'
),

sessions as (
    select * from {{ ref('int_sessions_built') }}
),

zones as (
    select distinct
        source,
        coalesce(timezone, '{{ var("reporting_timezone") }}') as timezone
    from {{ source('raw', 'sources') }}
),

told as (
    {% for measure in ['paid_amount', 'orders', 'refund_amount', 'visitors'] %}
        select
            source,
            report_date as business_date,
            platform,
            shop_id,
            '{{ measure }}' as measure,
            {{ measure }} as reported
        from console
        union all
    {% endfor %}
    -- totals of traffic are a second opinion only where events are delivered as well
    select
        source,
        traffic_date as business_date,
        platform,
        shop_id,
        'visitors' as measure,
        visitors as reported
    from traffic
    where platform in (select sessions.platform from sessions)
),

final as (
    select
        told.business_date,
        told.platform,
        told.shop_id,
        told.measure,
        max(zones.timezone) as timezone,
        max(told.reported) as reported
    from told
    inner join zones on told.source = zones.source
    where told.reported is not null
    group by told.business_date, told.platform, told.shop_id, told.measure
)

select * from final
