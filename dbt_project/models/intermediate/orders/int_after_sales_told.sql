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

parts as (
    select * from {{ ref('int_order_categories') }}
),

-- of a product as the order sold it
lines as (
    select
        main_order_key,
        product_id,
        min(coalesce(category, '(unknown)')) as category
    from {{ ref('int_order_items_shared') }}
    group by main_order_key, product_id
),

-- and as it is described now, for what names no order
products as (
    select
        product_key,
        max_by(category_1, valid_from) as category
    from {{ ref('stg_raw__products') }}
    group by product_key
),

pieces as (
    select
        main_order_key,
        coalesce(category, '(unknown)') as category,
        sum(quantity) as units
    from {{ ref('int_order_items_shared') }}
    where is_paid and is_goods and not is_gift
    group by main_order_key, coalesce(category, '(unknown)')
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

happened as (
    select
        'refund' as kind,
        refunds.source,
        refunds.main_order_key,
        refunds.product_id,
        refunds.refund_date as event_date,
        coalesce(refunds.reason, '(unknown)') as reason,
        refunds.goods_amount as refunded_amount,
        case when refunds.kind = 'return' then refunds.quantity end as returned_units,
        refunds.kind = 'return' as is_return,
        coalesce({{ matches('refunds.reason', "'" ~ var('quality_reasons') ~ "'") }}, false)
            as is_quality,
        cast(null as bigint) as response_micros,
        cast(null as bigint) as resolution_micros,
        cast(null as decimal(18, 4)) as csat,
        cast(null as decimal(18, 4)) as rating
    from refunds
    union all
    select
        'ticket' as kind,
        tickets.source,
        placed.main_order_key,
        tickets.product_id,
        {{ local_date('tickets.opened_at') }} as event_date,
        null as reason,
        null as refunded_amount,
        null as returned_units,
        false as is_return,
        false as is_quality,
        {{ microseconds('tickets.first_response_at') }} - {{ microseconds('tickets.opened_at') }}
            as response_micros,
        {{ microseconds('tickets.resolved_at') }} - {{ microseconds('tickets.opened_at') }}
            as resolution_micros,
        cast(tickets.csat as decimal(18, 4)) as csat,
        null as rating
    from tickets
    left join placed on tickets.order_key = placed.order_key
    union all
    select
        'review' as kind,
        reviews.source,
        placed.main_order_key,
        reviews.product_id,
        {{ local_date('reviews.reviewed_at') }} as event_date,
        null as reason,
        null as refunded_amount,
        null as returned_units,
        false as is_return,
        false as is_quality,
        null as response_micros,
        null as resolution_micros,
        null as csat,
        cast(reviews.rating as decimal(18, 4)) as rating
    from reviews
    left join placed on reviews.order_key = placed.order_key
),

final as (
    select
        'order' as kind,
        orders.platform,
        orders.main_order_key,
        orders.business_date as order_date,
        orders.business_date as event_date,
        parts.category,
        null as reason,
        parts.paid_amount as gmv,
        case
            when not sent.is_sent then 0
            when orders.paid_units is not null then coalesce(pieces.units, 0)
        end as shipped_units,
        null as refunded_amount,
        null as returned_units,
        false as is_return,
        false as is_quality,
        null as response_micros,
        null as resolution_micros,
        null as csat,
        null as rating
    from orders
    inner join sent on orders.main_order_key = sent.main_order_key
    inner join parts on orders.main_order_key = parts.main_order_key
    left join pieces
        on orders.main_order_key = pieces.main_order_key and parts.category = pieces.category
    union all
    select
        happened.kind,
        coalesce(orders.platform, sources.platform) as platform,
        orders.main_order_key,
        orders.business_date as order_date,
        happened.event_date,
        coalesce(lines.category, products.category, '(unknown)') as category,
        happened.reason,
        null as gmv,
        null as shipped_units,
        happened.refunded_amount,
        happened.returned_units,
        happened.is_return,
        happened.is_quality,
        happened.response_micros,
        happened.resolution_micros,
        happened.csat,
        happened.rating
    from happened
    left join orders on happened.main_order_key = orders.main_order_key
    left join sources on happened.source = sources.source
    left join lines
        on
            happened.main_order_key = lines.main_order_key
            and happened.product_id = lines.product_id
    left join products
        on {{ join_key(['happened.source', 'happened.product_id']) }} = products.product_key
    -- what goes back of an order that was not paid is no after-sales
    where happened.kind <> 'refund' or orders.main_order_key is not null
)

select * from final
