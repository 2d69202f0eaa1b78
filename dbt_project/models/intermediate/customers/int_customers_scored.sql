{{ replace(
    rows='day', day='month_start', order_by=['month_start'],
    suffix=['int_orders_attributed', 'int_refunds_converted'],
    affected={
        'int_orders_attributed': [-30, 0], 'int_refunds_converted': [-30, 0],
        'int_calendar_days': [-30, 0]
    }
) }}

with

-- the last day of each month, of the last one as far as the data go
months as (
    select
        period_start as month_start,
        max(business_date) as as_of_date
    from {{ ref('int_calendar_periods') }}
    where grain = 'month' and {{ only_affected_days('period_start') }}
    group by period_start
),

orders as (
    select
        {{ join_key(['source', 'order_id']) }} as main_order_key,
        customer_key,
        business_date,
        paid_amount
    from {{ ref('int_orders_attributed') }}
    where
        is_paid
        and customer_key is not null
        and {{ only_affected_days('business_date', before=365, after=31) }}
),

refunds as (
    select * from {{ ref('int_refunds_converted') }}
),

bought as (
    select
        months.month_start,
        months.as_of_date,
        orders.*
    from months
    inner join orders
        on
            months.as_of_date >= orders.business_date
            and orders.business_date > months.as_of_date - 365
),

-- what is given back later is not known yet
returned as (
    select
        bought.month_start,
        bought.customer_key,
        sum(refunds.goods_amount) as refunded_amount
    from bought
    inner join refunds
        on
            bought.main_order_key = refunds.main_order_key
            and bought.as_of_date >= refunds.refund_date
    group by bought.month_start, bought.customer_key
),

summed as (
    select
        month_start,
        as_of_date,
        customer_key,
        min({{ days_from('business_date', 'as_of_date') }}) as recency_days,
        count(*) as orders,
        sum(paid_amount) as paid_amount
    from bought
    group by month_start, as_of_date, customer_key
),

-- who got everything back is no customer of the year
year as (
    select
        summed.month_start,
        summed.as_of_date,
        summed.customer_key,
        summed.recency_days,
        summed.orders,
        summed.paid_amount - coalesce(returned.refunded_amount, 0) as net_sales
    from summed
    left join returned
        on
            summed.month_start = returned.month_start
            and summed.customer_key = returned.customer_key
    where summed.paid_amount > coalesce(returned.refunded_amount, 0)
),

-- equal values have equal ranks, also where most bought once
ranked as (
    select
        *,
        percent_rank() over (partition by month_start order by recency_days desc) as r_rank,
        percent_rank() over (partition by month_start order by orders) as f_rank,
        percent_rank() over (partition by month_start order by net_sales) as m_rank
    from year
),

-- 1 to 5 from a rank between 0 and 1
final as (
    select
        month_start,
        as_of_date,
        customer_key,
        recency_days,
        orders,
        cast(net_sales as decimal(18, 2)) as net_sales,
        1 + least(cast(floor(5 * r_rank) as integer), 4) as r_score,
        1 + least(cast(floor(5 * f_rank) as integer), 4) as f_score,
        1 + least(cast(floor(5 * m_rank) as integer), 4) as m_score
    from ranked
)

select * from final
