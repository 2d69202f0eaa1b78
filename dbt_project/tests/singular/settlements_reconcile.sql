-- What is due and paid out for paid orders is what their settlements tell, in the currency of
-- the company as delivered; those of foreign orders are in int_order_bookings alone.
with marted as (
    select
        sum(due_amount) as due_amount,
        sum(settled_amount) as settled_amount
    from {{ ref('fct_settlements_daily') }}
),

staged as (
    select
        sum(settlements.due_amount) as due_amount,
        sum(settlements.settled_amount) as settled_amount,
        max(case when orders.currency != '{{ var("reporting_currency") }}' then 1 else 0 end)
            as is_foreign
    from {{ ref('stg_raw__settlements') }} as settlements
    inner join {{ ref('stg_raw__orders') }} as orders
        on settlements.order_key = orders.order_key
    inner join {{ ref('int_orders_rolled_up') }} as paid
        on orders.main_order_key = paid.main_order_key and paid.is_paid
)

select
    marted.settled_amount,
    staged.settled_amount as staged_amount
from marted
cross join staged
where
    staged.is_foreign = 0
    and (
        marted.settled_amount != staged.settled_amount
        or marted.due_amount != staged.due_amount
    )
