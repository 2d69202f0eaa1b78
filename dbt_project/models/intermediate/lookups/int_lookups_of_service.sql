{{ config(materialized='view') }}

with

placed as (
    select * from {{ ref('stg_raw__orders') }}
),

paid as (
    select * from {{ ref('int_orders_rolled_up') }}
    where is_paid
),

parcels as (
    select * from {{ ref('stg_raw__shipments') }}
    where shipped_at is not null
),

tickets as (
    select * from {{ ref('stg_raw__tickets') }}
    where order_id is not null
),

reviews as (
    select * from {{ ref('stg_raw__reviews') }}
    where order_id is not null
),

exposures as (
    select * from {{ ref('stg_raw__exposures') }}
),

visitors as (
    select distinct visitor_key from {{ ref('int_sessions_built') }}
),

rooms as (
    select * from {{ ref('stg_raw__live_sessions') }}
),

purchases as (
    select * from {{ ref('int_purchases_tracked') }}
    where live_room_id is not null
),

costs as (
    select * from {{ ref('stg_raw__order_costs') }}
    where cost_type = 'creator_commission' and amount > 0
),

payouts as (
    select * from {{ ref('int_order_bookings') }}
    where kind = 'settled'
),

live_orders as (
    select * from {{ ref('int_live_orders_matched') }}
),

final as (
    -- a parcel whose order is there, but was not paid
    select
        'shipments' as feed,
        'payment' as looks_for,
        parcels.source,
        {{ local_date('parcels.shipped_at') }} as day,
        parcels.order_id as example_id,
        parcels.cost as amount,
        placed.main_order_key in (select paid.main_order_key from paid) as is_found,
        1 as row_count
    from parcels
    inner join placed on parcels.order_key = placed.order_key
    union all
    -- likewise a payout
    select
        'settlements' as feed,
        'payment' as looks_for,
        source,
        booked_date as day,
        order_id as example_id,
        delivered_amount as amount,
        main_order_key in (select paid.main_order_key from paid) as is_found,
        1 as row_count
    from payouts
    union all
    select
        'tickets' as feed,
        'order' as looks_for,
        source,
        {{ local_date('opened_at') }} as day,
        order_id as example_id,
        null as amount,
        order_key in (select placed.order_key from placed) as is_found,
        1 as row_count
    from tickets
    union all
    select
        'reviews' as feed,
        'order' as looks_for,
        source,
        {{ local_date('reviewed_at') }} as day,
        order_id as example_id,
        null as amount,
        order_key in (select placed.order_key from placed) as is_found,
        1 as row_count
    from reviews
    union all
    select
        'exposures' as feed,
        'visitor' as looks_for,
        source,
        {{ local_date('exposed_at') }} as day,
        visitor_key as example_id,
        null as amount,
        visitor_key in (select visitors.visitor_key from visitors) as is_found,
        1 as row_count
    from exposures
    union all
    select
        'events' as feed,
        'live_room' as looks_for,
        purchases.source,
        purchases.event_date as day,
        purchases.live_room_id as example_id,
        null as amount,
        rooms.live_room_id is not null as is_found,
        1 as row_count
    from purchases
    left join rooms
        on
            purchases.platform = rooms.platform
            and purchases.shop_id = rooms.shop_id
            and purchases.live_room_id = rooms.live_room_id
    union all
    -- of platforms that tell of live sessions: what sold the order of a creator's commission
    select
        'order_costs' as feed,
        'live_room' as looks_for,
        costs.source,
        costs.booked_date as day,
        costs.order_id as example_id,
        costs.amount,
        placed.main_order_key in (select live_orders.main_order_key from live_orders) as is_found,
        1 as row_count
    from costs
    inner join placed on costs.order_key = placed.order_key
    where placed.platform in (select rooms.platform from rooms)
)

select * from final
