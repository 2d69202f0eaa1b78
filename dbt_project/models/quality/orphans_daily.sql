with

orders as (
    select * from {{ ref('stg_raw__orders') }}
),

refunds as (
    select * from {{ ref('stg_raw__refunds') }}
    where is_succeeded
),

converted as (
    select * from {{ ref('int_refunds_converted') }}
),

lines as (
    select * from {{ ref('stg_raw__order_items') }}
),

orphans as (
    select
        'refunds' as feed,
        refunds.source,
        refunds.refund_date as day,
        refunds.order_id,
        refunds.amount
    from refunds
    left join converted
        on refunds.source = converted.source and refunds.refund_id = converted.refund_id
    where converted.refund_id is null
    union all
    select
        'order_items' as feed,
        source,
        null as day,
        order_id,
        quantity * unit_price - discount_amount as amount
    from lines
    where order_key not in (select orders.order_key from orders)
),

numbered as (
    select
        *,
        dense_rank() over (partition by feed, source, day order by order_id) as order_number,
        row_number() over (partition by feed, source, day, order_id) as row_number_of_order
    from orphans
),

final as (
    select
        feed,
        source,
        day,
        count(*) as rows,
        cast(sum(amount) as decimal(18, 2)) as amount,
        string_agg(
            case when order_number <= 5 and row_number_of_order = 1 then order_id end, ', '
            order by order_number
        ) as examples
    from numbered
    group by feed, source, day
)

select * from final
