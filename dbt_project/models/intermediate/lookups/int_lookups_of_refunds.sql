{{ config(materialized='view') }}

with

refunds as (
    select * from {{ ref('stg_raw__refunds') }}
    where is_succeeded
),

converted as (
    select * from {{ ref('int_refunds_converted') }}
),

staged as (
    select * from {{ ref('stg_raw__orders') }}
),

orders as (
    select * from {{ ref('int_orders_rolled_up') }}
),

lines as (
    select distinct
        order_key,
        product_id
    from {{ ref('int_order_items_shared') }}
),

lined as (
    select distinct order_key from lines
),

tried as (
    select
        refunds.source,
        refunds.refund_date as day,
        refunds.order_id as example_id,
        refunds.product_id,
        coalesce(converted.amount, refunds.amount) as amount,
        converted.refund_id is not null as has_amount,
        refunds.order_key in (select staged.order_key from staged) as has_order,
        orders.is_paid,
        case
            when lines.order_key is not null then true
            -- where no line tells of the order, its products are not known
            when converted.order_key in (select lined.order_key from lined) then false
        end as has_line
    from refunds
    left join converted
        on refunds.source = converted.source and refunds.refund_id = converted.refund_id
    left join orders on converted.main_order_key = orders.main_order_key
    left join lines
        on converted.order_key = lines.order_key and converted.product_id = lines.product_id
),

final as (
    select
        'refunds' as feed,
        'order' as looks_for,
        source,
        day,
        example_id,
        amount,
        has_order as is_found,
        1 as row_count
    from tried
    union all
    select
        'refunds' as feed,
        'rate' as looks_for,
        source,
        day,
        example_id,
        amount,
        has_amount as is_found,
        1 as row_count
    from tried
    where has_order
    union all
    select
        'refunds' as feed,
        'payment' as looks_for,
        source,
        day,
        example_id,
        amount,
        coalesce(is_paid, false) as is_found,
        1 as row_count
    from tried
    where has_amount
    union all
    select
        'refunds' as feed,
        'line' as looks_for,
        source,
        day,
        example_id,
        amount,
        has_line as is_found,
        1 as row_count
    from tried
    where product_id is not null and has_line is not null
)

select * from final
