with

orders as (
    select * from {{ ref('int_orders_attributed') }}
    where is_paid
),

lines as (
    select * from {{ ref('int_order_items_shared') }}
    where is_goods and is_paid
),

costs as (
    select
        main_order_key,
        sum(platform_discount_amount + creator_discount_amount) as borne_amount,
        -- one line of unknown cost makes that of the order unknown
        case when count(*) = count(cost_amount) then sum(cost_amount) end as cost_amount
    from lines
    group by main_order_key
),

keyed as (
    select
        *,
        {{ join_key(['source', 'order_id']) }} as main_order_key,
        1 - least(greatest(coalesce({{ ratio('refunded_amount', 'paid_amount') }}, 0), 0), 1)
            as kept_rate
    from orders
),

final as (
    select
        keyed.main_order_key,
        keyed.customer_key,
        keyed.platform,
        keyed.channel,
        keyed.paid_at,
        keyed.business_date,
        keyed.order_number,
        keyed.paid_amount,
        keyed.paid_amount - keyed.refunded_amount as net_amount,
        cast(
            keyed.paid_amount + costs.borne_amount - keyed.refunded_amount
            - {{ round_to_cents('costs.cost_amount * keyed.kept_rate') }} as decimal(18, 2)
        ) as margin_amount
    from keyed
    left join costs on keyed.main_order_key = costs.main_order_key
)

select * from final
