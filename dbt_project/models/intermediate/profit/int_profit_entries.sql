{{ replace(
    rows='key', key='main_order_key', order_by=['business_date'],
    affected={
        'int_order_categories': 'key', 'int_orders_rolled_up': 'key',
        'int_order_items_shared': 'key', 'int_refunds_converted': 'key',
        'int_order_bookings': 'key'
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

paid as (
    select main_order_key from orders
    where is_paid
),

refunds as (
    select * from {{ ref('int_refunds_converted') }}
    where main_order_key in (select paid.main_order_key from paid)
),

bookings as (
    select * from {{ ref('int_order_bookings') }}
    where
        kind not in ('due', 'settled')
        and main_order_key in (select orders.main_order_key from orders)
),

categories as (
    select * from {{ ref('int_order_categories') }}
    where main_order_key in (select orders.main_order_key from orders)
),

-- a refund that names a product is of its category, any other of the whole order
products as (
    select
        main_order_key,
        product_id,
        min(coalesce(category, '(unknown)')) as category
    from lines
    group by main_order_key, product_id
),

steps as (
    select
        refunds.main_order_key,
        refunds.refund_date,
        products.category,
        sum(refunds.goods_amount) as goods_amount
    from refunds
    left join products
        on
            refunds.main_order_key = products.main_order_key
            and refunds.product_id = products.product_id
    group by refunds.main_order_key, refunds.refund_date, products.category
),

worth as (
    select
        main_order_key,
        sum(cost_amount) as cost_amount
    from categories
    group by main_order_key
),

-- cost of the goods kept after each refund, in proportion, as in int_order_margins
kept as (
    select
        steps.*,
        {{ round_to_cents("worth.cost_amount * (1 - least(greatest(coalesce("
            ~ ratio('sum(steps.goods_amount) over refunded', 'orders.paid_amount')
            ~ ", 0), 0), 1))") }} as kept_amount,
        worth.cost_amount
    from steps
    inner join orders on steps.main_order_key = orders.main_order_key
    inner join worth on steps.main_order_key = worth.main_order_key
    window
        refunded as (
            partition by steps.main_order_key
            order by steps.refund_date asc, steps.category asc nulls last
            rows unbounded preceding
        )
),

flows as (
    select
        main_order_key,
        refund_date as business_date,
        category,
        'refunds' as measure,
        {{ cents('goods_amount') }} as flow_cents
    from steps
    union all
    select
        main_order_key,
        refund_date as business_date,
        category,
        'goods_cost' as measure,
        {{ cents(
            'kept_amount - lag(kept_amount, 1, cast(cost_amount as double)) over kept_before'
        ) }} as flow_cents
    from kept
    window
        kept_before as (
            partition by main_order_key order by refund_date asc, category asc nulls last
        )
    union all
    select
        main_order_key,
        booked_date as business_date,
        null as category,
        kind as measure,
        case when count(*) = count(amount) then {{ cents('sum(amount)') }} end as flow_cents
    from bookings
    group by main_order_key, booked_date, kind
),

weighed as (
    select
        *,
        sum(value_cents) over (partition by order_key) as value_total_cents,
        row_number() over in_order as position,
        row_number() over in_order as line_number
    from (
        select
            flows.main_order_key,
            flows.business_date,
            flows.measure,
            flows.flow_cents,
            categories.category,
            categories.cost_amount,
            categories.is_cost_told,
            {{ join_key([
                'flows.main_order_key', 'flows.measure',
                'cast(flows.business_date as string)',
                "coalesce(flows.category, '')"
            ]) }} as order_key,
            greatest(
                case
                    when flows.measure = 'goods_cost'
                        then coalesce({{ cents('categories.cost_amount') }}, 0)
                    else {{ cents('categories.paid_amount') }}
                end, 0
            ) as value_cents
        from flows
        inner join categories
            on
                flows.main_order_key = categories.main_order_key
                and coalesce(flows.category, categories.category) = categories.category
    ) as valued
    window
        in_order as (
            partition by order_key
            order by category asc, is_cost_told desc, main_order_key asc
        )
),

shared as (
    {{ share_out('weighed', 'flow_cents', 'share_cents') }}
),

entries as (
    {% for measure, amount in {
        'gmv': 'paid_amount', 'borne': 'borne_amount', 'goods_cost': 'cost_amount'
    }.items() %}
        select
            categories.main_order_key,
            orders.business_date,
            categories.category,
            '{{ measure }}' as measure,
            categories.{{ amount }} as amount,
            {{ 'not categories.is_cost_told' if measure == 'goods_cost' else 'false' }}
                as is_estimated
        from categories
        inner join orders on categories.main_order_key = orders.main_order_key
        where orders.is_paid
        union all
    {% endfor %}
    select
        main_order_key,
        business_date,
        category,
        measure,
        case
            when flow_cents is not null and (measure != 'goods_cost' or cost_amount is not null)
                then {{ from_cents('share_cents') }}
        end as amount,
        measure = 'goods_cost' and not is_cost_told as is_estimated
    from shared
),

final as (
    select
        entries.main_order_key,
        orders.platform,
        orders.shop_id,
        entries.business_date,
        entries.category,
        entries.measure,
        cast(entries.amount as decimal(18, 2)) as amount,
        entries.is_estimated
    from entries
    inner join orders on entries.main_order_key = orders.main_order_key
)

select * from final
