with orders as (
    select * from {{ ref('stg_raw__orders') }}
),

order_items as (
    select * from {{ ref('stg_raw__order_items') }}
),

refunds as (
    select * from {{ ref('stg_raw__refunds') }}
),

events as (
    select * from {{ ref('int_events_summed') }}
),

traffic as (
    select * from {{ ref('stg_raw__traffic_daily') }}
),

spend as (
    select * from {{ ref('stg_raw__campaign_spend') }}
),

-- every other feed that a source delivers daily
others as (
    {{ latest_versions('daily_rows') }}
),

no_instant as (
    select cast(null as timestamp) as empty_at
),

arrived as (
    select
        'orders' as feed,
        source,
        order_date as business_date,
        ordered_at as arrived_at
    from orders
    union all
    select
        'order_items' as feed,
        orders.source,
        orders.order_date as business_date,
        no_instant.empty_at as arrived_at
    from order_items
    inner join orders on order_items.order_key = orders.order_key
    cross join no_instant
    union all
    select
        'refunds' as feed,
        source,
        refund_date as business_date,
        refunded_at as arrived_at
    from refunds
    union all
    select
        'traffic_daily' as feed,
        traffic.source,
        traffic.traffic_date as business_date,
        no_instant.empty_at as arrived_at
    from traffic
    cross join no_instant
    union all
    select
        'campaign_spend' as feed,
        spend.source,
        spend.spend_date as business_date,
        no_instant.empty_at as arrived_at
    from spend
    cross join no_instant
    union all
    select
        feed,
        source,
        coalesce(arrived_date, {{ local_date('arrived_at') }}) as business_date,
        arrived_at
    from others
),

counted as (
    select
        source,
        feed,
        business_date,
        cast(extract(hour from {{ utc_to_reporting('arrived_at') }}) as integer) as local_hour,
        count(*) as arrived_rows,
        min(arrived_at) as first_at,
        max(arrived_at) as last_at
    from arrived
    where business_date is not null
    group by source, feed, business_date, extract(hour from {{ utc_to_reporting('arrived_at') }})
),

final as (
    select
        counted.*,
        no_instant.empty_at as last_purchase_at
    from counted
    cross join no_instant
    union all
    select
        source,
        'events' as feed,
        event_date as business_date,
        local_hour,
        cast(sum(event_count) as bigint) as arrived_rows,
        min(first_at) as first_at,
        max(last_at) as last_at,
        max(last_purchase_at) as last_purchase_at
    from events
    group by source, event_date, local_hour
)

select * from final
