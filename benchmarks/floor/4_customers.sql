create or replace table bought as
select *, paid - refunded as net from sold where is_paid and customer is not null;

create or replace table last_day as
select max(day) as last_day
from (
    select greatest(max(order_date), max(day)) as day from sold
    union all select max(refund_date) from given_back
    union all select max(day) from sessions
    union all select max(traffic_date) from traffic
);

-- Recency, frequency and money of the last 365 days by rank: equal values have equal scores.
create or replace table dim_customer as
with customers as (
    select
        customer,
        min(day) as first_order_date,
        max(day) as last_order_date,
        count(*) as orders,
        sum(net) / 100 as net_sales,
        count(*) filter (where day > last_day - 365) as year_orders,
        sum(net) filter (where day > last_day - 365) as year_net,
        date_diff('day', max(day), any_value(last_day)) as recency_days
    from bought, last_day
    group by customer
),
scored as (
    select
        customer,
        1 + least(4, cast(floor(5 * percent_rank() over (order by recency_days desc)) as integer)) as r_score,
        1 + least(4, cast(floor(5 * percent_rank() over (order by year_orders)) as integer)) as f_score,
        1 + least(4, cast(floor(5 * percent_rank() over (order by year_net)) as integer)) as m_score
    from customers
    where year_orders > 0 and year_net > 0
)
select
    replace(cast(customer as varchar), '-', '') as customer_key, first_order_date, last_order_date, orders, net_sales,
    recency_days, r_score, f_score, m_score
from customers
left join scored using (customer);
