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
    select * from {{ ref('stg_raw__events') }}
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
        ordered_at as arrived_at,
        false as is_purchase
    from orders
    union all
    select
        'order_items' as feed,
        orders.source,
        orders.order_date as business_date,
        no_instant.empty_at as arrived_at,
        false as is_purchase
    from order_items
    inner join orders on order_items.order_key = orders.order_key
    cross join no_instant
    union all
    select
        'refunds' as feed,
        source,
        refund_date as business_date,
        refunded_at as arrived_at,
        false as is_purchase
    from refunds
    union all
    select
        'events' as feed,
        source,
        event_date as business_date,
        occurred_at as arrived_at,
        event_type = 'purchase' as is_purchase
    from events
    union all
    select
        'traffic_daily' as feed,
        traffic.source,
        traffic.traffic_date as business_date,
        no_instant.empty_at as arrived_at,
        false as is_purchase
    from traffic
    cross join no_instant
    union all
    select
        'campaign_spend' as feed,
        spend.source,
        spend.spend_date as business_date,
        no_instant.empty_at as arrived_at,
        false as is_purchase
    from spend
    cross join no_instant
    union all
    select
        feed,
        source,
        coalesce(arrived_date, {{ local_date('arrived_at') }}) as business_date,
        arrived_at,
        false as is_purchase
    from others
),

final as (
    select
        source,
        feed,
        business_date,
        cast(extract(hour from {{ utc_to_reporting('arrived_at') }}) as integer) as local_hour,
        count(*) as arrived_rows,
        min(arrived_at) as first_at,
        max(arrived_at) as last_at,
        max(case when is_purchase then arrived_at end) as last_purchase_at
    from arrived
    where business_date is not null
    group by source, feed, business_date, extract(hour from {{ utc_to_reporting('arrived_at') }})
)

select * from final
