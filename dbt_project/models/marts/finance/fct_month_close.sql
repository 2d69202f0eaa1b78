{% set sums = [
    'merchant_receivable_amount', 'refunded_amount', 'cm1_amount', 'cm2_amount', 'cm3_amount'
] %}
{% set refunded = 'coalesce(of_orders.closed_refunded_amount, 0)' %}
{% set adjusted = 'coalesce(of_orders.adjustment_amount, 0)' %}
{% set by_order = {
    'closed_refunded_amount': refunded,
    'closed_net_amount': 'booked.gmv - ' ~ refunded,
    'adjustment_amount': '-' ~ adjusted,
    'adjusted_net_amount': 'booked.gmv - ' ~ refunded ~ ' - ' ~ adjusted,
    'taken_adjustment_amount': '-coalesce(taken.amount, 0)'
} %}
with

orders as (
    select
        main_order_key,
        platform,
        business_date,
        cast(date_trunc('month', business_date) as date) as month_start
    from {{ ref('int_orders_rolled_up') }}
    where is_paid
),

refunds as (
    select
        main_order_key,
        refund_date,
        cast(date_trunc('month', refund_date) as date) as refund_month,
        goods_amount
    from {{ ref('int_refunds_converted') }}
),

refunders as (
    select * from {{ ref('int_platforms_refunding') }}
),

profit as (
    select
        *,
        cast(date_trunc('month', business_date) as date) as month_start
    from {{ ref('fct_profit_daily') }}
),

span as (
    select max(business_date) as last_date from {{ ref('int_calendar_days') }}
),

-- up to this day, itself included, a month takes refunds of its orders
closes as (
    select distinct
        month_start,
        last_day(month_start) + {{ var('finance_close_day') }} as close_date
    from profit
),

refunded as (
    select
        orders.platform,
        orders.month_start,
        refunds.refund_month,
        refunds.goods_amount,
        refunds.refund_date <= closes.close_date as is_before_close
    from refunds
    inner join orders on refunds.main_order_key = orders.main_order_key
    inner join closes on orders.month_start = closes.month_start
),

of_orders as (
    select
        platform,
        month_start,
        sum(case when is_before_close then goods_amount else 0 end) as closed_refunded_amount,
        sum(case when is_before_close then 0 else goods_amount end) as adjustment_amount
    from refunded
    group by platform, month_start
),

-- the other side of adjustments: months that were closed take them in the month of the refund
taken as (
    select
        platform,
        refund_month as month_start,
        sum(goods_amount) as amount
    from refunded
    where not is_before_close
    group by platform, refund_month
),

booked as (
    select
        month_start,
        platform,
        {% for name in sums %}
            case when count(*) = count({{ name }}) then sum({{ name }}) end as {{ name }},
        {% endfor %}
        sum(gmv) as gmv
    from profit
    group by month_start, platform
),

final as (
    select
        booked.month_start,
        booked.platform,
        span.last_date > closes.close_date as is_closed,
        cast(booked.gmv as decimal(18, 2)) as gmv,
        cast(booked.merchant_receivable_amount as decimal(18, 2)) as merchant_receivable_amount,
        cast(booked.refunded_amount as decimal(18, 2)) as refunded_amount,
        cast(booked.cm1_amount as decimal(18, 2)) as cm1_amount,
        cast(booked.cm2_amount as decimal(18, 2)) as cm2_amount,
        cast(booked.cm3_amount as decimal(18, 2)) as cm3_amount,
        {% for name, amount in by_order.items() %}
            cast(case when refunders.platform is not null then {{ amount }} end as decimal(18, 2))
                as {{ name }},
        {% endfor %}
        closes.close_date
    from booked
    cross join span
    inner join closes on booked.month_start = closes.month_start
    left join refunders on booked.platform = refunders.platform
    left join of_orders
        on booked.platform = of_orders.platform and booked.month_start = of_orders.month_start
    left join taken
        on booked.platform = taken.platform and booked.month_start = taken.month_start
)

select * from final
