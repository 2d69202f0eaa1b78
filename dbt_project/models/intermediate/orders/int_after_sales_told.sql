{{ config(materialized='view') }}

with

orders as (
    select * from {{ ref('int_orders_rolled_up') }}
    where is_paid
),

placed as (
    select * from {{ ref('stg_raw__orders') }}
),

refunds as (
    select * from {{ ref('int_refunds_converted') }}
),

tickets as (
    select * from {{ ref('stg_raw__tickets') }}
),

reviews as (
    select * from {{ ref('stg_raw__reviews') }}
),

-- where a source sells, for what names no order
sources as (
    select * from {{ ref('int_sources_placed') }}
),

parcels as (
    select distinct order_key from {{ ref('stg_raw__shipments') }}
    where shipped_at is not null
),

sent as (
    select
        placed.main_order_key,
        bool_or(
            placed.shipped_at is not null
            or parcels.order_key is not null
            or coalesce(placed.is_shipped, placed.status in ('shipped', 'completed'))
        ) as is_sent
    from placed
    left join parcels on placed.order_key = parcels.order_key
    group by placed.main_order_key
),

asked as (
    select
        tickets.source,
        'ticket' as kind,
        tickets.order_key,
        {{ local_date('tickets.opened_at') }} as event_date,
        {{ microseconds('tickets.first_response_at') }} - {{ microseconds('tickets.opened_at') }}
            as response_micros,
        {{ microseconds('tickets.resolved_at') }} - {{ microseconds('tickets.opened_at') }}
            as resolution_micros,
        cast(tickets.csat as decimal(18, 4)) as csat,
        null as rating
    from tickets
    union all
    select
        reviews.source,
        'review' as kind,
        reviews.order_key,
        {{ local_date('reviews.reviewed_at') }} as event_date,
        null as response_micros,
        null as resolution_micros,
        null as csat,
        cast(reviews.rating as decimal(18, 4)) as rating
    from reviews
),

final as (
    select
        'order' as kind,
        orders.platform,
        orders.main_order_key,
        orders.business_date as order_date,
        orders.business_date as event_date,
        orders.paid_goods_amount as gmv,
        case when sent.is_sent then orders.paid_units else 0 end as shipped_units,
        cast(null as decimal(18, 2)) as refunded_amount,
        cast(null as bigint) as returned_units,
        false as is_return,
        false as is_quality,
        cast(null as bigint) as response_micros,
        cast(null as bigint) as resolution_micros,
        cast(null as decimal(18, 4)) as csat,
        cast(null as decimal(18, 4)) as rating
    from orders
    inner join sent on orders.main_order_key = sent.main_order_key
    union all
    select
        'refund' as kind,
        orders.platform,
        orders.main_order_key,
        orders.business_date as order_date,
        refunds.refund_date as event_date,
        null as gmv,
        null as shipped_units,
        refunds.goods_amount as refunded_amount,
        case when refunds.kind = 'return' then refunds.quantity end as returned_units,
        refunds.kind = 'return' as is_return,
        coalesce({{ matches('refunds.reason', "'" ~ var('quality_reasons') ~ "'") }}, false)
            as is_quality,
        null as response_micros,
        null as resolution_micros,
        null as csat,
        null as rating
    from refunds
    inner join orders on refunds.main_order_key = orders.main_order_key
    union all
    select
        asked.kind,
        coalesce(orders.platform, sources.platform) as platform,
        orders.main_order_key,
        orders.business_date as order_date,
        asked.event_date,
        null as gmv,
        null as shipped_units,
        null as refunded_amount,
        null as returned_units,
        false as is_return,
        false as is_quality,
        asked.response_micros,
        asked.resolution_micros,
        asked.csat,
        asked.rating
    from asked
    left join placed on asked.order_key = placed.order_key
    left join orders on placed.main_order_key = orders.main_order_key
    left join sources on asked.source = sources.source
)

select * from final
