{# Counts over spans of days before an order are running sums of what enters a span and what leaves
   it, so that nobody's orders meet each other. #}
{% set order_day = 'coalesce(business_date, order_date)' %}
{{ replace(
    rows='day', day='order_day', order_by=['order_day'],
    affected={'int_orders_rolled_up': [0, 365], 'int_refunds_converted': [0, 180]}
) }}

with

orders as (
    select
        *,
        {{ order_day }} as order_day
    from {{ ref('int_orders_rolled_up') }}
    where {{ only_affected_days(order_day, before=365) }}
),

-- the first refund of an order, if it came within 180 days
refunds as (
    select
        refunded.customer_key,
        back.refund_date
    from (
        select
            main_order_key,
            min(refund_date) as refund_date
        from {{ ref('int_refunds_converted') }}
        group by main_order_key
    ) as back
    inner join {{ ref('int_orders_rolled_up') }} as refunded
        on back.main_order_key = refunded.main_order_key
    where
        refunded.customer_key is not null
        and back.refund_date <= coalesce(refunded.business_date, refunded.order_date) + 180
),

customer_changes as (
    select
        customer_key,
        order_day as day,
        1 as orders,
        0 as refunded_orders
    from orders
    union all
    select
        customer_key,
        order_day + 181 as day,
        -1 as orders,
        0 as refunded_orders
    from orders
    union all
    select
        customer_key,
        refund_date as day,
        0 as orders,
        1 as refunded_orders
    from refunds
    union all
    select
        customer_key,
        refund_date + 181 as day,
        0 as orders,
        -1 as refunded_orders
    from refunds
),

customer_days as (
    select
        customer_key,
        day,
        sum(orders) as orders,
        sum(refunded_orders) as refunded_orders
    from customer_changes
    where customer_key is not null
    group by customer_key, day
),

customer_sums as (
    select
        customer_key,
        day,
        sum(orders) over (partition by customer_key order by day) as orders,
        sum(refunded_orders) over (partition by customer_key order by day) as refunded_orders
    from customer_days
),

placed as (
    select
        'address' as place_kind,
        address_key as place_key,
        main_order_key,
        customer_key,
        order_day
    from orders
    where address_key is not null
    union all
    select
        'device' as place_kind,
        device_key as place_key,
        main_order_key,
        customer_key,
        order_day
    from orders
    where device_key is not null
),

-- an account counts at its place for 90 days after each order
stays as (
    select
        *,
        lag(order_day) over account_days as day_before,
        lead(order_day) over account_days as day_after
    from (
        select distinct
            place_kind,
            place_key,
            customer_key,
            order_day
        from placed
        where customer_key is not null
    ) as days
    window
        account_days as (partition by place_kind, place_key, customer_key order by order_day)
),

place_changes as (
    select
        place_kind,
        place_key,
        order_day as day,
        case when day_before >= order_day - 90 then 0 else 1 end as accounts
    from stays
    union all
    select
        place_kind,
        place_key,
        order_day + 91 as day,
        case when day_after <= order_day + 90 then 0 else -1 end as accounts
    from stays
),

place_days as (
    select
        place_kind,
        place_key,
        day,
        sum(accounts) as accounts
    from place_changes
    group by place_kind, place_key, day
),

place_sums as (
    select
        place_kind,
        place_key,
        day,
        sum(accounts) over (partition by place_kind, place_key order by day) as accounts
    from place_days
),

shared as (
    select
        placed.main_order_key,
        max(case when placed.place_kind = 'address' then place_sums.accounts end)
            as address_accounts,
        max(case when placed.place_kind = 'device' then place_sums.accounts end) as device_accounts
    from placed
    inner join place_sums
        on
            placed.customer_key is not null
            and placed.place_kind = place_sums.place_kind
            and placed.place_key = place_sums.place_key
            and placed.order_day = place_sums.day
    group by placed.main_order_key
),

paced as (
    select
        *,
        lag(ordered_at, 3) over (
            partition by customer_key order by ordered_at, main_order_key
        ) as third_before_at,
        lag(order_day) over (
            partition by customer_key, address_key order by order_day, ordered_at, main_order_key
        ) as address_day_before
    from orders
),

-- where the customer never had anything sent to in a year: what the orders before were worth
strange as (
    select
        paced.main_order_key,
        count(*) as usual_orders,
        {{ percentile('cast(earlier.placed_amount as double)', 0.95) }} as usual_amount_p95
    from paced
    inner join orders as earlier
        on
            paced.customer_key = earlier.customer_key
            and earlier.order_day between paced.order_day - 365 and paced.order_day - 1
    where
        paced.address_key is not null
        and earlier.address_key is not null
        and earlier.placed_amount is not null
        and (
            paced.address_day_before is null
            or paced.address_day_before < paced.order_day - 365
        )
    group by paced.main_order_key
),

final as (
    select
        paced.main_order_key,
        paced.source,
        paced.order_id,
        paced.platform,
        paced.shop_id,
        paced.order_day,
        paced.placed_amount,
        paced.customer_key is not null as has_customer,
        paced.address_key is not null as has_address,
        cast(shared.address_accounts as bigint) as address_accounts,
        cast(shared.device_accounts as bigint) as device_accounts,
        cast(customer_sums.orders as bigint) as recent_orders,
        cast(customer_sums.refunded_orders as bigint) as refunded_orders,
        case
            when paced.customer_key is not null
                then {{ seconds_between('paced.third_before_at', 'paced.ordered_at') }} / 3600
        end as four_orders_hours,
        coalesce(strange.usual_orders, 0) as usual_orders,
        strange.usual_amount_p95
    from paced
    left join shared on paced.main_order_key = shared.main_order_key
    left join customer_sums
        on paced.customer_key = customer_sums.customer_key and paced.order_day = customer_sums.day
    left join strange on paced.main_order_key = strange.main_order_key
    where {{ only_affected_days('paced.order_day') }}
)

select * from final
