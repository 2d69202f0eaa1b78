{{ replace(
    rows='day', day='month_start', order_by=['month_start'],
    affected={
        'int_customers_scored': [0, 0], 'int_orders_attributed': [-30, 0],
        'int_calendar_days': [-30, 0]
    }
) }}

with

scores as (
    select * from {{ ref('int_customers_scored') }}
    where {{ only_affected_days('month_start') }}
),

segments as (
    select * from {{ ref('rfm_segments') }}
),

periods as (
    select * from {{ ref('int_calendar_periods') }}
    where grain = 'month' and {{ only_affected_days('period_start') }}
),

orders as (
    select * from {{ ref('int_orders_attributed') }}
    where is_paid
),

ends as (
    select
        period_start as month_start,
        max(business_date) as as_of_date
    from periods
    group by period_start
),

bought as (
    select
        periods.period_start as month_start,
        orders.customer_key,
        count(*) as orders,
        sum(orders.paid_amount) as gmv
    from orders
    inner join periods on orders.business_date = periods.business_date
    group by periods.period_start, orders.customer_key
),

placed as (
    select
        scores.month_start,
        scores.customer_key,
        segments.rfm_segment,
        scores.orders as year_orders,
        scores.net_sales as year_net_sales
    from scores
    inner join segments
        on
            scores.r_score = segments.r_score
            and scores.f_score = segments.f_score
            and scores.m_score = segments.m_score
),

-- who bought and gave all back is in no segment, nor is who is not known
customers as (
    select
        placed.month_start,
        placed.rfm_segment,
        1 as customers,
        case when bought.orders > 0 then 1 else 0 end as buyers,
        coalesce(bought.orders, 0) as orders,
        coalesce(bought.gmv, 0) as gmv,
        placed.year_orders,
        placed.year_net_sales
    from placed
    left join bought
        on
            placed.month_start = bought.month_start
            and placed.customer_key = bought.customer_key
    union all
    select
        bought.month_start,
        case when bought.customer_key is null then '(unidentified)' else '(none)' end
            as rfm_segment,
        case when bought.customer_key is not null then 1 end as customers,
        case when bought.customer_key is not null then 1 end as buyers,
        bought.orders,
        bought.gmv,
        null as year_orders,
        null as year_net_sales
    from bought
    left join placed
        on
            bought.month_start = placed.month_start
            and bought.customer_key = placed.customer_key
    where placed.customer_key is null
),

final as (
    select
        customers.month_start,
        ends.as_of_date,
        customers.rfm_segment,
        cast(sum(customers.customers) as bigint) as customers,
        cast(sum(customers.buyers) as bigint) as buyers,
        cast(sum(customers.orders) as bigint) as orders,
        cast(sum(customers.gmv) as decimal(18, 2)) as gmv,
        cast(sum(customers.year_orders) as bigint) as year_orders,
        cast(sum(customers.year_net_sales) as decimal(18, 2)) as year_net_amount
    from customers
    inner join ends on customers.month_start = ends.month_start
    group by customers.month_start, ends.as_of_date, customers.rfm_segment
)

select * from final
