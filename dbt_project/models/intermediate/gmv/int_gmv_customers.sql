with orders as (
    select * from {{ ref('int_orders_attributed') }}
),

final as (
    select
        customer_key,
        min(business_date) as first_paid_date
    from orders
    where is_paid and customer_key is not null
    group by customer_key
)

select * from final
