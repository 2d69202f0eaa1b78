{{ replace(rows='whole', touch=join_key(['platform', 'user_key']), order_by=['user_key']) }}

with

purchases as (
    select
        platform,
        shop_id,
        order_id,
        customer_key as user_key
    from {{ ref('stg_raw__events') }}
    where event_type = 'purchase' and order_id is not null and customer_key is not null
),

orders as (
    select
        platform,
        shop_id,
        order_id,
        customer_key
    from {{ ref('int_orders_rolled_up') }}
    where customer_key is not null
),

-- whom events and orders call alike needs no link
buyers as (
    select distinct
        platform,
        customer_key
    from orders
),

bought as (
    select
        purchases.platform,
        purchases.user_key,
        orders.customer_key,
        count(distinct orders.order_id) as orders
    from purchases
    inner join orders
        on
            purchases.platform = orders.platform
            and purchases.shop_id = orders.shop_id
            and purchases.order_id = orders.order_id
    left join buyers
        on purchases.platform = buyers.platform and purchases.user_key = buyers.customer_key
    where buyers.customer_key is null
    group by purchases.platform, purchases.user_key, orders.customer_key
),

ranked as (
    select
        *,
        max(orders) over (partition by platform, user_key) as most_orders
    from bought
),

-- whose orders are the most; of several with as many nobody
final as (
    select
        platform,
        user_key,
        case
            when count(case when orders = most_orders then 1 end) = 1
                then min(case when orders = most_orders then customer_key end)
        end as customer_key,
        cast(count(*) as integer) as customers
    from ranked
    group by platform, user_key
)

select * from final
