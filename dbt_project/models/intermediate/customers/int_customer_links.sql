{{ replace(rows='whole', touch=join_key(['platform', 'user_key']), order_by=['user_key']) }}

with

purchases as (
    select
        platform,
        shop_id,
        order_id,
        customer_key as user_key
    from {{ ref('int_purchases_tracked') }}
    where customer_key is not null
),

listed as (
    select
        customer_key,
        other_key
    from {{ ref('stg_raw__customers') }}
    where other_key is not null and customer_key <> other_key
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

buyers as (
    select distinct
        platform,
        customer_key
    from orders
),

-- the list of customers is the shop's own word, in whichever order it names the two
stated as (
    select
        buyers.platform,
        pairs.user_key,
        buyers.customer_key
    from (
        select
            customer_key as user_key,
            other_key as customer_key
        from listed
        union
        select
            other_key as user_key,
            customer_key
        from listed
    ) as pairs
    inner join buyers on pairs.customer_key = buyers.customer_key
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
    group by purchases.platform, purchases.user_key, orders.customer_key
),

-- whom events and orders call alike needs no link
candidates as (
    select
        told.platform,
        told.user_key,
        told.customer_key,
        max(told.is_stated) as is_stated,
        max(told.orders) as orders
    from (
        select
            *,
            1 as is_stated,
            0 as orders
        from stated
        union all
        select
            platform,
            user_key,
            customer_key,
            0 as is_stated,
            orders
        from bought
    ) as told
    left join buyers on told.platform = buyers.platform and told.user_key = buyers.customer_key
    where buyers.customer_key is null
    group by told.platform, told.user_key, told.customer_key
),

ranked as (
    select
        *,
        rank() over (partition by platform, user_key order by is_stated desc, orders desc) as place
    from candidates
),

-- as the shop says, else whose orders are the most; of several alike nobody
final as (
    select
        platform,
        user_key,
        case
            when count(case when place = 1 then 1 end) = 1
                then min(case when place = 1 then customer_key end)
        end as customer_key,
        cast(count(*) as integer) as customers
    from ranked
    group by platform, user_key
)

select * from final
