-- Customers hold every paid order of a known customer once, products every paid line of goods, and
-- every triple of scores has a segment.
with

bought as (
    select
        customer_key,
        count(*) as orders,
        case
            when count(*) = count(refunded_amount) then sum(paid_amount - refunded_amount)
        end as net_sales
    from {{ ref('fct_orders') }}
    where is_paid and customer_key is not null
    group by customer_key
),

orders as (
    select
        coalesce(sum(orders), 0) as orders,
        count(*) as customers,
        coalesce(sum(net_sales), 0) as net_sales
    from bought
),

customers as (
    select
        coalesce(sum(orders), 0) as orders,
        count(*) as customers,
        coalesce(sum(net_sales), 0) as net_sales
    from {{ ref('dim_customer') }}
),

lines as (
    select
        coalesce(sum(items.paid_amount), 0) as gmv,
        coalesce(sum(case when items.is_gift then 0 else items.quantity end), 0) as units
    from {{ ref('fct_order_items') }} as items
    where items.business_date is not null and items.is_goods and items.product_id is not null
),

products as (
    select
        coalesce(sum(gmv), 0) as gmv,
        coalesce(sum(units), 0) as units
    from {{ ref('dim_product') }}
),

final as (
    select 'customers' as what
    from orders
    cross join customers
    where
        orders.orders != customers.orders
        or orders.customers != customers.customers
        or orders.net_sales != customers.net_sales
    union all
    select 'products' as what
    from lines
    cross join products
    where lines.gmv != products.gmv or lines.units != products.units
    union all
    select 'segments' as what
    from {{ ref('rfm_segments') }}
    having count(*) != 125
)

select * from final
