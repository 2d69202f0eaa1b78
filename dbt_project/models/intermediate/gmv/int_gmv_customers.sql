{{ replace(
    rows='key', key='customer_key', touch='customer_key', order_by=['customer_key'],
    affected={'int_orders_attributed': 'key'}
) }}

with

orders as (
    select * from {{ ref('int_orders_attributed') }}
    where {{ only_touched_keys('customer_key') }}
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
