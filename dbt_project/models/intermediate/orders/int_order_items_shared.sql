{{ replace(
    rows='key', key='main_order_key', touch='main_order_key', day='order_date',
    order_by=['order_date'],
    affected={
        'stg_raw__orders': 'key',
        'stg_raw__order_items': [['stg_raw__orders', 'order_key', 'main_order_key']],
        'stg_raw__products': [
            ['stg_raw__order_items', 'product_key', 'order_key'],
            ['stg_raw__orders', 'order_key', 'main_order_key']
        ]
    }
) }}

with

orders as (
    select *
    from {{ ref('stg_raw__orders') }}
    where {{ only_touched_keys('main_order_key') }}
    qualify {{ is_counted() }}
),

products as (
    select
        product_key,
        name,
        category_1,
        cost,
        valid_from,
        lead(valid_from) over (partition by product_key order by valid_from) as valid_before,
        row_number() over (partition by source, product_id order by valid_from) as version_number
    from {{ ref('stg_raw__products') }}
),

-- a line that names no currency is in its order's
items as (
    select
        items.source,
        orders.order_id,
        items.order_key,
        items.line_number,
        items.product_id,
        items.product_key,
        items.product_name,
        items.category,
        items.quantity,
        {{ at_the_orders_rate('unit_price', 4) }} as unit_price,
        {{ at_the_orders_rate('discount_amount', 2) }} as discount_amount,
        {{ at_the_orders_rate('cost_amount', 2) }} as cost_amount,
        items.is_gift,
        items.is_goods
    from {{ ref('stg_raw__order_items') }} as items
    inner join orders on items.order_key = orders.order_key
    qualify {{ is_told_once('items', 'orders') }}
),

lines as (
    select
        orders.main_order_key,
        orders.order_date,
        orders.is_paid,
        coalesce(orders.parent_order_id, orders.order_id) as main_order_id,
        items.source,
        items.order_id,
        items.order_key,
        items.line_number,
        items.product_id,
        items.product_key,
        coalesce(items.product_name, products.name) as product_name,
        coalesce(items.category, products.category_1) as category,
        items.quantity,
        items.unit_price,
        coalesce(items.cost_amount, items.quantity * products.cost) as cost_amount,
        items.is_gift,
        items.is_goods,
        {{ cents('orders.order_amount') }} as order_cents,
        {{ cents('orders.platform_discount') }} as platform_cents,
        {{ cents('orders.creator_discount') }} as creator_cents,
        {{ cents('items.quantity * items.unit_price') }} as gross_cents,
        {{ cents('items.discount_amount') }} as discount_cents
    from items
    inner join orders on items.order_key = orders.order_key
    left join products
        on
            items.product_key = products.product_key
            and (orders.order_date >= products.valid_from or products.version_number = 1)
            and (orders.order_date < products.valid_before or products.valid_before is null)
),

weighed as (
    select
        *,
        sum(value_cents) over (partition by order_key) as value_total_cents,
        row_number() over (partition by order_key order by is_gift, line_number) as position
    from (
        select
            *,
            case when is_gift then 0 else gross_cents - discount_cents end as value_cents
        from lines
    ) as valued
),

paid as (
    {{ share_out('weighed', 'order_cents', 'paid_cents') }}
),

platform as (
    {{ share_out('paid', 'platform_cents', 'platform_share_cents') }}
),

creator as (
    {{ share_out('platform', 'creator_cents', 'creator_share_cents') }}
),

final as (
    select
        source,
        main_order_id,
        main_order_key,
        order_id,
        order_key,
        line_number,
        order_date,
        product_id,
        product_key,
        product_name,
        category,
        quantity,
        unit_price,
        {{ from_cents('paid_cents') }} as line_amount,
        {{ from_cents('gross_cents - paid_cents - platform_share_cents - creator_share_cents') }}
            as merchant_discount_amount,
        {{ from_cents('platform_share_cents') }} as platform_discount_amount,
        {{ from_cents('creator_share_cents') }} as creator_discount_amount,
        cast(cost_amount as decimal(18, 2)) as cost_amount,
        is_gift,
        is_goods,
        is_paid
    from creator
)

select * from final
