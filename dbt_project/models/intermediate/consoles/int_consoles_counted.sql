with

reported as (
    select * from {{ ref('int_consoles_reported') }}
),

orders as (
    select * from {{ ref('stg_raw__orders') }}
),

paid_orders as (
    select * from {{ ref('int_orders_attributed') }}
    where is_paid
),

refunds as (
    select * from {{ ref('stg_raw__refunds') }}
),

converted as (
    select * from {{ ref('int_refunds_converted') }}
),

sessions as (
    select * from {{ ref('int_sessions_built') }}
    where visitor_key is not null
),

shops as (
    select
        platform,
        shop_id,
        max(timezone) as timezone,
        max(case when measure = 'visitors' then 1 else 0 end) = 1 as has_visitors
    from reported
    group by platform, shop_id
),

sold as (
    select
        paid_orders.*,
        {{ date_in_zone('paid_orders.paid_at', 'shops.timezone') }} as shop_date
    from paid_orders
    inner join shops
        on paid_orders.platform = shops.platform and paid_orders.shop_id = shops.shop_id
),

given_back as (
    select
        orders.platform,
        orders.shop_id,
        converted.amount,
        {{ date_in_zone('refunds.refunded_at', 'shops.timezone') }} as shop_date
    from converted
    inner join refunds
        on converted.source = refunds.source and converted.refund_id = refunds.refund_id
    inner join orders on converted.order_key = orders.order_key
    inner join shops on orders.platform = shops.platform and orders.shop_id = shops.shop_id
),

came as (
    select
        sessions.platform,
        sessions.shop_id,
        sessions.visitor_key,
        {{ date_in_zone('sessions.started_at', 'shops.timezone') }} as shop_date
    from sessions
    inner join shops
        on
            sessions.platform = shops.platform
            and sessions.shop_id = shops.shop_id
            and shops.has_visitors
),

final as (
    select
        shop_date as business_date,
        platform,
        shop_id,
        'paid_amount' as measure,
        sum(paid_amount) as own,
        sum(gmv_incl_freight_amount) as own_with_freight
    from sold
    group by shop_date, platform, shop_id
    union all
    select
        shop_date as business_date,
        platform,
        shop_id,
        'orders' as measure,
        count(*) as own,
        null as own_with_freight
    from sold
    group by shop_date, platform, shop_id
    union all
    select
        shop_date as business_date,
        platform,
        shop_id,
        'refund_amount' as measure,
        sum(amount) as own,
        null as own_with_freight
    from given_back
    group by shop_date, platform, shop_id
    union all
    select
        shop_date as business_date,
        platform,
        shop_id,
        'visitors' as measure,
        count(distinct visitor_key) as own,
        null as own_with_freight
    from came
    group by shop_date, platform, shop_id
)

select * from final
