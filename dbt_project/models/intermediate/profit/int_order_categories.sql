{{ replace(
    rows='key', key='main_order_key', touch='main_order_key', order_by=['main_order_key'],
    affected={
        'stg_raw__orders': 'key', 'int_orders_rolled_up': 'key', 'int_order_items_shared': 'key'
    }
) }}

with

orders as (
    select
        *,
        case when is_paid then paid_goods_amount else 0 end as paid_amount
    from {{ ref('int_orders_rolled_up') }}
    where {{ only_touched_keys('main_order_key') }}
),

lines as (
    select * from {{ ref('int_order_items_shared') }}
    where is_goods and is_paid and main_order_key in (select orders.main_order_key from orders)
),

discounts as (
    select
        main_order_key,
        sum(platform_discount + creator_discount) as borne_amount
    from {{ ref('stg_raw__orders') }}
    where is_paid and main_order_key in (select orders.main_order_key from orders)
    group by main_order_key
),

rates as (
    select * from {{ ref('int_cost_rates') }}
),

lined as (
    select
        main_order_key,
        sum(line_amount) as lines_amount
    from lines
    group by main_order_key
),

-- what no line tells of an order has no category, and no cost
parts as (
    select
        main_order_key,
        coalesce(category, '(unknown)') as category,
        line_amount,
        platform_discount_amount + creator_discount_amount as borne_amount,
        cost_amount
    from lines
    union all
    select
        orders.main_order_key,
        '(unknown)' as category,
        orders.paid_amount - coalesce(lined.lines_amount, 0) as line_amount,
        case when lined.main_order_key is null then discounts.borne_amount else 0 end
            as borne_amount,
        null as cost_amount
    from orders
    left join lined on orders.main_order_key = lined.main_order_key
    left join discounts on orders.main_order_key = discounts.main_order_key
    where
        lined.main_order_key is null
        or orders.paid_amount - coalesce(lined.lines_amount, 0) != 0
),

-- a cost that no line tells is the share of sales that shop.yml tells, if it does
costed as (
    select
        parts.main_order_key,
        parts.category,
        parts.line_amount,
        parts.borne_amount,
        parts.cost_amount is not null as is_cost_told,
        coalesce(
            parts.cost_amount,
            {{ round_to_cents(
                'parts.line_amount * coalesce(own.goods_cost_rate, general.goods_cost_rate)'
            ) }}
        ) as cost_amount
    from parts
    inner join orders on parts.main_order_key = orders.main_order_key
    left join rates as own
        on orders.platform = own.platform and parts.category = own.category
    left join rates as general on orders.platform = general.platform and general.category = '(all)'
),

final as (
    select
        main_order_key,
        category,
        is_cost_told,
        sum(line_amount) as paid_amount,
        sum(borne_amount) as borne_amount,
        cast(case when count(*) = count(cost_amount) then sum(cost_amount) end as decimal(18, 2))
            as cost_amount
    from costed
    group by main_order_key, category, is_cost_told
)

select * from final
