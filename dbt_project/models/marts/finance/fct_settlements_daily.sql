with

orders as (
    select * from {{ ref('int_orders_rolled_up') }}
    where is_paid
),

bookings as (
    select * from {{ ref('int_order_bookings') }}
    where kind in ('due', 'settled')
),

span as (
    select max(business_date) as last_date from {{ ref('int_calendar_days') }}
),

settling as (
    select distinct orders.platform
    from bookings
    inner join orders on bookings.main_order_key = orders.main_order_key
),

-- what is due of one booking, and what of it has been paid out
paired as (
    select
        main_order_key,
        booking_key,
        max(booked_date) as settled_date,
        max(case when kind = 'due' then amount end) as due_amount,
        max(case when kind = 'settled' then amount end) as settled_amount
    from bookings
    group by main_order_key, booking_key
),

dated as (
    select
        orders.business_date,
        orders.platform,
        orders.shop_id,
        orders.main_order_key,
        paired.booking_key,
        paired.due_amount,
        case when paired.booking_key is not null then coalesce(paired.settled_amount, 0) end
            as settled_amount,
        paired.due_amount - coalesce(paired.settled_amount, 0) as open_amount,
        paired.settled_date is null as is_open,
        orders.paid_goods_amount - orders.refunded_amount as net_amount,
        {{ days_from('orders.business_date', 'coalesce(paired.settled_date, span.last_date)') }}
        > {{ var('finance_settlement_days') }} as is_late
    from orders
    cross join span
    inner join settling on orders.platform = settling.platform
    left join paired on orders.main_order_key = paired.main_order_key
),

final as (
    select
        business_date,
        platform,
        shop_id,
        count(distinct main_order_key) as orders,
        count(distinct case when booking_key is not null then main_order_key end)
            as settlement_orders,
        cast(
            case
                when count(booking_key) = count(due_amount) then coalesce(sum(due_amount), 0)
            end as decimal(18, 2)
        ) as due_amount,
        cast(coalesce(sum(settled_amount), 0) as decimal(18, 2)) as settled_amount,
        cast(
            case
                when count(booking_key) = count(due_amount)
                    then coalesce(sum(open_amount), 0)
            end as decimal(18, 2)
        ) as gap_amount,
        cast(
            sum(case when not is_open then coalesce(open_amount, 0) else 0 end)
            as decimal(18, 2)
        ) as difference_amount,
        cast(
            sum(case when is_open and is_late then coalesce(open_amount, 0) else 0 end)
            as decimal(18, 2)
        ) as overdue_amount,
        cast(
            sum(case when not is_open and is_late then greatest(settled_amount, 0) else 0 end)
            as decimal(18, 2)
        ) as late_amount,
        count(
            distinct case when not is_open and due_amount > settled_amount then main_order_key end
        ) as short_orders,
        count(
            distinct case
                when is_late and coalesce(due_amount, settled_amount) > 0 then main_order_key
            end
        ) as late_orders,
        count(
            distinct case
                when booking_key is null and is_late and net_amount > 0 then main_order_key
            end
        ) as unlisted_orders,
        cast(
            sum(case when booking_key is null and is_late then net_amount else 0 end)
            as decimal(18, 2)
        ) as unlisted_amount
    from dated
    group by business_date, platform, shop_id
)

select * from final
