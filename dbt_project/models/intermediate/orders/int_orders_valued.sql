{{ replace(
    rows='key', key='main_order_key', touch='main_order_key', order_by=['order_date'],
    affected={'stg_raw__orders': 'key', 'int_order_items_shared': 'key'}
) }}

with

orders as (
    select *
    from {{ ref('stg_raw__orders') }}
    where {{ only_touched_keys('main_order_key') }}
    qualify {{ is_counted() }}
),

-- one line whose value is not known makes that of the order unknown
lines as (
    select
        order_key,
        case when count(*) = count(line_amount) then sum(line_amount) end as total_amount,
        case
            when count(*) = count(line_amount)
                then sum(case when is_goods then line_amount else 0 end)
        end as goods_amount,
        sum(case when is_goods and not is_gift then quantity else 0 end) as units
    from {{ ref('int_order_items_shared') }}
    where main_order_key in (select main_order_key from orders)
    group by order_key
),

valued as (
    select
        orders.order_key,
        orders.main_order_key,
        orders.order_date,
        orders.is_paid,
        orders.total_amount,
        orders.shipping_amount,
        orders.tax_amount,
        coalesce(lines.goods_amount, orders.order_amount) as goods_amount,
        coalesce(lines.total_amount, orders.order_amount) as lines_amount,
        lines.units,
        case
            when orders.currency = '{{ var("reporting_currency") }}'
                then coalesce(lines.goods_amount, orders.order_amount)
            when lines.total_amount <> 0
                then cast(
                    orders.original_amount
                    * {{ ratio('lines.goods_amount', 'lines.total_amount') }}
                    as decimal(18, 2)
                )
            else orders.original_amount
        end as original_goods_amount
    from orders
    left join lines on orders.order_key = lines.order_key
),

final as (
    select
        order_key,
        main_order_key,
        order_date,
        is_paid,
        cast(goods_amount as decimal(18, 2)) as goods_amount,
        cast(lines_amount as decimal(18, 2)) as lines_amount,
        cast(
            case
                when total_amount < goods_amount then 0
                else coalesce(
                    total_amount - goods_amount,
                    lines_amount - goods_amount + shipping_amount + tax_amount
                )
            end as decimal(18, 2)
        ) as rest_amount,
        units,
        original_goods_amount
    from valued
)

select * from final
