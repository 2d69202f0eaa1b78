{{ replace(
    rows='key', key='main_order_key', touch='main_order_key', order_by=['order_date'],
    day='coalesce(business_date, order_date)',
    affected={
        'stg_raw__orders': 'key',
        'int_order_items_shared': 'key',
        'stg_raw__refunds': [['stg_raw__orders', 'order_key', 'main_order_key']],
        'stg_raw__fx_rates': [['int_refunds_converted', 'foreign_currency', 'main_order_key']]
    }
) }}

with

orders as (
    select *
    from {{ ref('stg_raw__orders') }}
    where {{ only_touched_keys('main_order_key') }}
    qualify {{ is_counted() }}
),

lines as (
    select
        order_key,
        sum(line_amount) as total_amount,
        sum(case when is_goods then line_amount else 0 end) as goods_amount,
        sum(case when is_goods and not is_gift then quantity else 0 end) as units
    from {{ ref('int_order_items_shared') }}
    where main_order_key in (select main_order_key from orders)
    group by order_key
),

refunds as (
    select
        order_key,
        sum(amount) as refunded_amount
    from {{ ref('int_refunds_converted') }}
    where order_key in (select order_key from orders)
    group by order_key
),

valued as (
    select
        orders.*,
        coalesce(lines.goods_amount, orders.order_amount, 0) as goods_amount,
        coalesce(lines.total_amount, orders.order_amount, 0) as total_amount,
        coalesce(lines.units, 0) as units,
        case
            when orders.currency = '{{ var("reporting_currency") }}'
                then coalesce(lines.goods_amount, orders.order_amount, 0)
            when lines.total_amount <> 0
                then cast(
                    orders.original_amount
                    * {{ ratio('lines.goods_amount', 'lines.total_amount') }}
                    as decimal(18, 2)
                )
            else orders.original_amount
        end as original_goods_amount,
        coalesce(refunds.refunded_amount, 0) as refunded_amount
    from orders
    left join lines on orders.order_key = lines.order_key
    left join refunds on orders.order_key = refunds.order_key
),

rolled_up as (
    select
        main_order_key,
        min(source) as source,
        min(coalesce(parent_order_id, order_id)) as order_id,
        min(platform) as platform,
        min(shop_id) as shop_id,
        min_by(customer_key, order_id) filter (where customer_key is not null) as customer_key,
        min(ordered_at) as ordered_at,
        max(paid_at) as paid_at,
        -- of several child orders the least advanced speaks for the whole
        min_by(
            status,
            case status
                when 'unpaid' then 1
                when 'deposit_paid' then 2
                when 'paid' then 3
                when 'shipped' then 4
                when 'completed' then 5
                when 'refunded' then 6
                when 'closed' then 7
                else 8
            end
        ) as status,
        bool_or(is_presale) as is_presale,
        min(currency) as currency,
        sum(goods_amount) as placed_amount,
        cast(sum(original_goods_amount) as decimal(18, 2)) as original_amount,
        sum(case when is_paid then goods_amount else 0 end) as paid_goods_amount,
        sum(case when is_paid then total_amount + shipping_amount else 0 end) as paid_total_amount,
        sum(case when is_paid then units else 0 end) as paid_units,
        sum(refunded_amount) as refunded_amount,
        min_by(channel, order_id) filter (where channel is not null) as channel,
        min_by(device, order_id) filter (where device is not null) as device,
        min_by(region, order_id) filter (where region is not null) as region,
        min_by(utm_source, order_id) filter (where utm_source is not null) as utm_source,
        min_by(utm_medium, order_id) filter (where utm_medium is not null) as utm_medium
    from valued
    group by main_order_key
),

final as (
    select
        rolled_up.*,
        {{ local_date('ordered_at') }} as order_date,
        case when {{ is_fully_paid() }} then {{ local_date('paid_at') }} end as business_date,
        {{ is_fully_paid() }} as is_paid
    from rolled_up
)

select * from final
