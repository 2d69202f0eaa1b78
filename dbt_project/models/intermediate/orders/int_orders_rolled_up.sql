{{ replace(
    rows='key', key='main_order_key', touch='main_order_key', order_by=['order_date'],
    day='coalesce(business_date, order_date)',
    affected={
        'stg_raw__orders': 'key', 'int_orders_valued': 'key', 'int_refunds_converted': 'key'
    }
) }}

with

orders as (
    select *
    from {{ ref('stg_raw__orders') }}
    where {{ only_touched_keys('main_order_key') }}
    qualify {{ is_counted() }}
),

refunds as (
    select
        main_order_key,
        sum(goods_amount) as refunded_amount,
        sum(other_amount) as refunded_other_amount
    from {{ ref('int_refunds_converted') }}
    where main_order_key in (select main_order_key from orders)
    group by main_order_key
),

valued as (
    select
        orders.*,
        worth.goods_amount,
        worth.lines_amount,
        worth.units,
        worth.original_goods_amount
    from orders
    inner join {{ ref('int_orders_valued') }} as worth on orders.order_key = worth.order_key
),

rolled_up as (
    select
        main_order_key,
        min(source) as source,
        min(coalesce(parent_order_id, order_id)) as order_id,
        min(platform) as platform,
        min(shop_id) as shop_id,
        min_by(customer_key, order_id) filter (where customer_key is not null) as customer_key,
        min_by(address_key, order_id) filter (where address_key is not null) as address_key,
        min_by(device_key, order_id) filter (where device_key is not null) as device_key,
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
        -- paid, but neither its lines nor its amount have come
        bool_or(is_paid and goods_amount is null) as is_awaiting_value,
        sum(goods_amount) as placed_amount,
        cast(sum(original_goods_amount) as decimal(18, 2)) as original_amount,
        sum(case when is_paid then goods_amount else 0 end) as paid_goods_amount,
        sum(case when is_paid then lines_amount + shipping_amount else 0 end) as paid_total_amount,
        case
            when bool_and(units is not null or not is_paid)
                then sum(case when is_paid then units else 0 end)
        end as paid_units,
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
        rolled_up.main_order_key,
        rolled_up.source,
        rolled_up.order_id,
        rolled_up.platform,
        rolled_up.shop_id,
        rolled_up.customer_key,
        rolled_up.address_key,
        rolled_up.device_key,
        rolled_up.ordered_at,
        rolled_up.paid_at,
        rolled_up.status,
        rolled_up.is_presale,
        rolled_up.is_awaiting_value,
        rolled_up.currency,
        case when not rolled_up.is_awaiting_value then rolled_up.placed_amount end as placed_amount,
        rolled_up.original_amount,
        rolled_up.paid_goods_amount,
        rolled_up.paid_total_amount,
        rolled_up.paid_units,
        coalesce(refunds.refunded_amount, 0) as refunded_amount,
        coalesce(refunds.refunded_other_amount, 0) as refunded_other_amount,
        rolled_up.channel,
        rolled_up.device,
        rolled_up.region,
        rolled_up.utm_source,
        rolled_up.utm_medium,
        {{ local_date('rolled_up.ordered_at') }} as order_date,
        case
            when {{ is_fully_paid() }} and not rolled_up.is_awaiting_value
                then {{ local_date('rolled_up.paid_at') }}
        end as business_date,
        {{ is_fully_paid() }} and not rolled_up.is_awaiting_value as is_paid
    from rolled_up
    left join refunds on rolled_up.main_order_key = refunds.main_order_key
)

select * from final
