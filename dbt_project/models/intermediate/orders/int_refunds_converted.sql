{{ replace(
    rows='key', key='main_order_key', touch='main_order_key', day='refund_date',
    order_by=['refund_date'],
    affected={
        'int_refunds_matched': 'key', 'int_orders_valued': 'key', 'int_order_items_shared': 'key'
    }
) }}

with

refunds as (
    select *
    from {{ ref('int_refunds_matched') }}
    where {{ only_touched_keys('main_order_key') }}
),

-- a child that never was paid has no goods to give back of a main order that was
paid as (
    select
        order_key,
        main_order_key,
        case when is_sold then {{ cents('goods_amount') }} else 0 end as goods_cents,
        case when is_sold then {{ cents('rest_amount') }} else 0 end as rest_cents
    from (
        select
            *,
            is_paid or not bool_or(is_paid) over (partition by main_order_key) as is_sold
        from {{ ref('int_orders_valued') }}
        where {{ only_touched_keys('main_order_key') }}
    ) as worth
),

lines as (
    select
        order_key,
        main_order_key,
        product_id,
        sum(case when is_goods then line_amount else 0 end) as goods_amount
    from {{ ref('int_order_items_shared') }}
    where {{ only_touched_keys('main_order_key') }}
    group by order_key, main_order_key, product_id
),

-- of each product in an order as delivered, and in a main order
products as (
    select
        order_key as cell_key,
        product_id,
        goods_amount
    from lines
    union
    select
        main_order_key as cell_key,
        product_id,
        sum(goods_amount) as goods_amount
    from lines
    group by main_order_key, product_id
),

-- Goods left of an order are counted at its own rate: rates that moved are no goods.
based as (
    select
        *,
        case
            when currency = order_currency and exchange_rate is not null
                then {{ cents('original_amount * exchange_rate') }}
            else {{ cents('amount') }}
        end as base_cents,
        case when order_currency = '{{ var("reporting_currency") }}' then 0 else 3 end
            as slack_cents
    from refunds
    -- one that no rate converts is counted in orphans_daily
    where amount is not null
),

told as (
    select
        based.*,
        case
            when based.delivered_goods_amount = 0 then 0
            when based.delivered_goods_amount is not null
                then {{ cents(
                    ratio('based.delivered_goods_amount', 'based.delivered_amount')
                    ~ ' * based.base_cents / 100'
                ) }}
            -- who names a product gives back its price, and beside it what is no goods
            when products.goods_amount is not null
                then least(based.base_cents, {{ cents('products.goods_amount') }})
        end as told_cents
    from based
    left join products
        on based.order_key = products.cell_key and based.product_id = products.product_id
),

of_orders as (
    select
        told.*,
        paid.goods_cents,
        paid.rest_cents,
        told.order_key as cell_key
    from told
    inner join paid on told.order_key = paid.order_key
),

split_of_orders as (
    {{ split_refunds('of_orders') }}
),

-- A refund may name a main order whose children are what counts: it takes what theirs leave.
back as (
    select
        order_key,
        sum(split_cents) as goods_cents,
        sum(base_cents - split_cents) as rest_cents
    from split_of_orders
    group by order_key
),

left_of_children as (
    select
        paid.main_order_key,
        sum(paid.goods_cents - coalesce(back.goods_cents, 0)) as goods_cents,
        greatest(sum(paid.rest_cents - coalesce(back.rest_cents, 0)), 0) as rest_cents
    from paid
    left join back on paid.order_key = back.order_key
    group by paid.main_order_key
),

of_children as (
    select
        told.*,
        left_of_children.goods_cents,
        left_of_children.rest_cents,
        told.main_order_key as cell_key
    from told
    inner join left_of_children on told.main_order_key = left_of_children.main_order_key
    where told.order_key not in (select paid.order_key from paid)
),

split_of_children as (
    {{ split_refunds('of_children') }}
),

split as (
    select * from split_of_orders
    union all
    select * from split_of_children
),

final as (
    select
        source,
        refund_id,
        order_key,
        main_order_key,
        product_id,
        refunded_at,
        refund_date,
        kind,
        reason,
        quantity,
        is_after_shipping,
        shipping_basis,
        currency,
        original_amount,
        amount,
        goods_amount,
        cast(amount - goods_amount as decimal(18, 2)) as other_amount
    from (
        select
            *,
            cast(
                case
                    when split_cents = 0 then 0
                    else {{ round_to_cents('amount * ' ~ ratio('split_cents', 'base_cents')) }}
                end as decimal(18, 2)
            ) as goods_amount
        from split
    ) as parted
)

select * from final
