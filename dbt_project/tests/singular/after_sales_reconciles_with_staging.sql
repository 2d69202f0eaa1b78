-- On either basis the goods refunded of paid orders and their tickets and reviews are those that
-- were delivered; nothing of what names a paid order is on one basis alone.
with

mart as (
    select
        date_basis,
        sum(refunded_amount) as refunded_amount,
        sum(gmv) as gmv,
        sum(tickets) as tickets,
        sum(reviews) as reviews
    from {{ ref('fct_after_sales_daily') }}
    where dimension = 'all'
    group by date_basis
),

orders as (
    select
        sum(orders.paid_amount) as gmv,
        sum(orders.refunded_amount) as refunded_amount
    from {{ ref('fct_orders') }} as orders
    where orders.is_paid
),

served as (
    select
        (select count(*) from {{ ref('stg_raw__tickets') }}) as tickets,
        (select count(*) from {{ ref('stg_raw__reviews') }}) as reviews
)

select mart.*
from mart
cross join orders
cross join served
where
    mart.gmv is distinct from orders.gmv
    or mart.refunded_amount is distinct from orders.refunded_amount
    or mart.date_basis = 'event_date'
    and (
        coalesce(mart.tickets, 0) <> served.tickets
        or coalesce(mart.reviews, 0) <> served.reviews
    )
