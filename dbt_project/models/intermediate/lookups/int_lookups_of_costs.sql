{{ config(materialized='view') }}

with

costs as (
    select * from {{ ref('stg_raw__order_costs') }}
),

settlements as (
    select * from {{ ref('stg_raw__settlements') }}
),

orders as (
    select order_key from {{ ref('stg_raw__orders') }}
    union
    select main_order_key as order_key from {{ ref('stg_raw__orders') }}
),

bookings as (
    select * from {{ ref('int_order_bookings') }}
),

booked as (
    select
        'order_costs' as feed,
        source,
        booked_date as day,
        order_id,
        order_key,
        amount
    from costs
    union all
    select
        'settlements' as feed,
        source,
        settled_date as day,
        order_id,
        order_key,
        coalesce(due_amount, settled_amount) as amount
    from settlements
),

final as (
    select
        feed,
        'order' as looks_for,
        source,
        day,
        order_id as example_id,
        amount,
        order_key in (select orders.order_key from orders) as is_found,
        1 as row_count
    from booked
    union all
    -- of those with an order, the ones in its currency that no rate converts
    select
        case when kind in ('due', 'settled') then 'settlements' else 'order_costs' end as feed,
        'rate' as looks_for,
        source,
        booked_date as day,
        order_id as example_id,
        delivered_amount as amount,
        amount is not null as is_found,
        1 as row_count
    from bookings
    where delivered_amount is not null and kind != 'settled'
)

select * from final
