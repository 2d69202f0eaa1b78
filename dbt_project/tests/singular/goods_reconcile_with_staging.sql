-- Every count and movement of stock, purchase, paid line of goods, refund and view is in the marts
-- of goods once: per day, month or in all.
with

checks as (
    select
        'counts of stock' as what,
        business_date as day,
        sum(on_hand) as amount
    from {{ ref('fct_inventory_daily') }}
    group by business_date
    union all
    select
        'counts of stock' as what,
        snapshot_date as day,
        -sum(on_hand) as amount
    from {{ ref('stg_raw__inventory_snapshots') }}
    group by snapshot_date
    union all
    select
        'movements' as what,
        cast(null as date) as day,
        sum(received - sold + returned + adjusted) as amount
    from {{ ref('fct_inventory_daily') }}
    union all
    select
        'movements' as what,
        cast(null as date) as day,
        -sum(quantity) as amount
    from {{ ref('stg_raw__inventory_movements') }}
    union all
    select
        'categories' as what,
        business_date as day,
        sum(gmv) as amount
    from {{ ref('fct_category_daily') }}
    group by business_date
    union all
    select
        'categories' as what,
        business_date as day,
        -sum(paid_amount) as amount
    from {{ ref('fct_order_items') }}
    where business_date is not null and is_goods
    group by business_date
    union all
    select
        'products' as what,
        business_date as day,
        sum(coalesce(gmv, 0)) + sum(coalesce(refunded_amount, 0)) as amount
    from {{ ref('fct_product_daily') }}
    group by business_date
    union all
    select
        'products' as what,
        business_date as day,
        -sum(paid_amount) as amount
    from {{ ref('fct_order_items') }}
    where business_date is not null and is_goods and product_id is not null
    group by business_date
    union all
    select
        'products' as what,
        refund_date as day,
        -sum(coalesce(goods_amount, 0)) as amount
    from {{ ref('fct_refunds') }}
    where is_paid and product_id is not null
    group by refund_date
    union all
    select
        'purchases' as what,
        cast(null as date) as day,
        sum(ordered_amount) as amount
    from {{ ref('fct_supplier_monthly') }}
    union all
    select
        'purchases' as what,
        cast(null as date) as day,
        -sum(cast(unit_cost * ordered_quantity as decimal(18, 2))) as amount
    from {{ ref('stg_raw__purchase_orders') }}
    where
        date_trunc('month', {{ local_date('promised_at') }})
        <= (select max(days.business_date) from {{ ref('int_calendar_days') }} as days)
),

final as (
    select
        what,
        day,
        sum(amount) as difference
    from checks
    group by what, day
    having abs(sum(amount)) > 0
)

select * from final
