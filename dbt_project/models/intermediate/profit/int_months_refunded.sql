with

orders as (
    select
        main_order_key,
        platform,
        cast(date_trunc('month', business_date) as date) as month_start
    from {{ ref('int_orders_rolled_up') }}
    where is_paid
),

refunds as (
    select
        *,
        cast(date_trunc('month', refund_date) as date) as refund_month
    from {{ ref('int_refunds_converted') }}
),

closed as (
    select * from {{ ref('int_months_closed') }}
),

dated as (
    select
        orders.platform,
        orders.month_start,
        refunds.refund_month,
        refunds.goods_amount,
        refunds.refund_date <= coalesce(
            closed.close_date, last_day(orders.month_start) + {{ var('finance_close_day') }}
        ) as is_before_close
    from refunds
    inner join orders on refunds.main_order_key = orders.main_order_key
    left join closed
        on orders.platform = closed.platform and orders.month_start = closed.month_start
),

entries as (
    select
        platform,
        month_start,
        case when is_before_close then goods_amount else 0 end as closed_refunded_amount,
        case when is_before_close then 0 else goods_amount end as later_refunded_amount,
        0 as taken_refunded_amount
    from dated
    union all
    -- the other side: months that were closed are adjusted in the month of the refund
    select
        platform,
        refund_month as month_start,
        0 as closed_refunded_amount,
        0 as later_refunded_amount,
        goods_amount as taken_refunded_amount
    from dated
    where not is_before_close
),

final as (
    select
        month_start,
        platform,
        sum(closed_refunded_amount) as closed_refunded_amount,
        sum(later_refunded_amount) as later_refunded_amount,
        sum(taken_refunded_amount) as taken_refunded_amount
    from entries
    group by month_start, platform
)

select * from final
