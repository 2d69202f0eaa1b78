{{ replace(
    rows='day', day='business_date', order_by=['business_date'],
    affected={
        'fct_order_items': [0, 0], 'fct_orders': [0, 0], 'fct_refunds': [0, 0],
        'stg_raw__events': [0, 0], 'dim_product_history': [0, 0]
    },
    suffix=['dim_product_history']
) }}

with

lines as (
    select
        *,
        {{ join_key(['source', 'order_id']) }} as line_order_key
    from {{ ref('fct_order_items') }}
    where business_date is not null and is_goods and {{ only_affected_days('business_date') }}
),

orders as (
    select
        *,
        {{ join_key(['source', 'order_id']) }} as order_key
    from {{ ref('fct_orders') }}
    where {{ only_affected_days('business_date') }} or {{ only_affected_days('order_date') }}
),

events as (
    select
        *,
        {{ join_key(['source', 'product_id']) }} as product_key
    from {{ ref('stg_raw__events') }}
    where
        product_id is not null and event_type in ('product_view', 'add_to_cart')
        and {{ only_affected_days('event_date') }}
),

descriptions as (
    select * from {{ ref('dim_product_history') }}
),

refunders as (
    select * from {{ ref('int_platforms_refunding') }}
),

sold as (
    select
        orders.platform,
        coalesce(lines.category, '(unknown)') as category,
        lines.business_date,
        count(distinct orders.order_key) as orders,
        count(distinct orders.customer_key) as buyers,
        sum(case when lines.is_gift then 0 else lines.quantity end) as units,
        sum(lines.paid_amount) as gmv
    from lines
    inner join orders on lines.line_order_key = orders.order_key
    group by orders.platform, coalesce(lines.category, '(unknown)'), lines.business_date
),

refunded as (
    select
        platform,
        coalesce(category, '(unknown)') as category,
        refund_date as business_date,
        sum(goods_amount) as refunded_amount
    from {{ ref('fct_refunds') }}
    where is_paid and {{ only_affected_days('refund_date') }}
    group by platform, coalesce(category, '(unknown)'), refund_date
),

viewed as (
    select
        events.platform,
        coalesce(descriptions.category, '(unknown)') as category,
        events.event_date as business_date,
        count(*) filter (where event_type = 'product_view') as views,
        count(*) filter (where event_type = 'add_to_cart') as add_to_carts,
        count(distinct visitor_key) filter (where event_type = 'product_view') as product_visitors
    from events
    left join descriptions
        on
            events.product_key = descriptions.product_key
            and (events.event_date >= descriptions.valid_from or descriptions.is_first)
            and (events.event_date <= descriptions.valid_to or descriptions.valid_to is null)
    group by events.platform, coalesce(descriptions.category, '(unknown)'), events.event_date
),

-- of a day without any order, or event, of a platform its sales, or views, are not known
selling as (
    select
        platform,
        order_date as business_date
    from orders
    union
    select
        platform,
        business_date
    from orders
),

tracked as (
    select distinct
        platform,
        event_date as business_date
    from events
),

{% set parts = {
    'sold': ['orders', 'buyers', 'units', 'gmv'],
    'refunded': ['refunded_amount'],
    'viewed': ['views', 'add_to_carts', 'product_visitors']
} %}
{% set names = parts.sold + parts.refunded + parts.viewed %}
entries as (
    {% for part, told in parts.items() %}
        select
            platform,
            category,
            business_date,
        {% for name in names %}
            {{ name if name in told else 'null' }} as {{ name }}{{ ',' if not loop.last }}
        {% endfor %}
        from {{ part }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

summed as (
    select
        platform,
        category,
        business_date,
    {% for name in names %}
        sum({{ name }}) as {{ name }}{{ ',' if not loop.last }}
    {% endfor %}
    from entries
    group by platform, category, business_date
),

joined as (
    select
        summed.business_date,
        summed.platform,
        summed.category,
        {% for name in parts.sold %}
            coalesce(summed.{{ name }}, case when selling.platform is not null then 0 end)
                as {{ name }},
        {% endfor %}
        {% for name in parts.viewed %}
            coalesce(summed.{{ name }}, case when tracked.platform is not null then 0 end)
                as {{ name }},
        {% endfor %}
        case when refunders.platform is not null then coalesce(summed.refunded_amount, 0) end
            as refunded_amount
    from summed
    left join selling
        on summed.platform = selling.platform and summed.business_date = selling.business_date
    left join tracked
        on summed.platform = tracked.platform and summed.business_date = tracked.business_date
    left join refunders on summed.platform = refunders.platform
),

final as (
    select
        business_date,
        platform,
        category,
        cast(orders as bigint) as orders,
        cast(units as bigint) as units,
        cast(gmv as decimal(18, 2)) as gmv,
        cast(refunded_amount as decimal(18, 2)) as refunded_amount,
        cast(gmv - refunded_amount as decimal(18, 2)) as net_sales,
        cast(views as bigint) as views,
        cast(add_to_carts as bigint) as add_to_carts,
        cast(buyers as bigint) as buyers,
        cast(product_visitors as bigint) as product_visitors,
        {{ ratio('buyers', 'product_visitors') }} as conversion_rate
    from joined
)

select * from final
