{{ replace(
    rows='day', day='business_date', order_by=['business_date'],
    affected={
        'fct_order_items': [0, 0], 'fct_orders': [0, 0], 'fct_refunds': [0, 0],
        'int_order_items_shared': [0, 0], 'stg_raw__events': [0, 0],
        'stg_raw__traffic_daily': [0, 0]
    }
) }}

with

lines as (
    select
        *,
        {{ join_key(['source', 'order_id']) }} as line_order_key
    from {{ ref('fct_order_items') }}
    where
        business_date is not null and is_goods and product_id is not null
        and {{ only_affected_days('business_date') }}
),

orders as (
    select
        *,
        {{ join_key(['source', 'order_id']) }} as order_key
    from {{ ref('fct_orders') }}
    where {{ only_affected_days('business_date') }}
),

refunders as (
    select * from {{ ref('int_platforms_refunding') }}
),

sold as (
    select
        orders.platform,
        lines.source,
        lines.product_id,
        lines.business_date,
        count(distinct orders.order_key) as orders,
        count(distinct orders.customer_key) as buyers,
        sum(case when lines.is_gift then 0 else lines.quantity end) as units,
        sum(lines.paid_amount) as gmv
    from lines
    inner join orders on lines.line_order_key = orders.order_key
    group by orders.platform, lines.source, lines.product_id, lines.business_date
),

refunded as (
    select
        platform,
        source,
        product_id,
        refund_date as business_date,
        count(*) as refunds,
        sum(goods_amount) as refunded_amount
    from {{ ref('fct_refunds') }}
    where is_paid and product_id is not null and {{ only_affected_days('refund_date') }}
    group by platform, source, product_id, refund_date
),

viewed as (
    select
        platform,
        source,
        product_id,
        business_date,
        sum(views) as views,
        sum(add_to_carts) as add_to_carts,
        count(distinct viewer_key) as product_visitors,
        count(distinct carter_key) as cart_visitors
    from {{ ref('int_products_seen') }}
    where {{ only_affected_days('business_date') }}
    group by platform, source, product_id, business_date
),

reported as (
    select
        platform,
        source,
        segment as product_id,
        traffic_date as business_date,
        sum(page_views) as views,
        sum(coalesce(product_visitors, visitors)) as product_visitors,
        sum(cart_visitors) as cart_visitors
    from {{ ref('stg_raw__traffic_daily') }}
    where grain = 'product' and {{ only_affected_days('traffic_date') }}
    group by platform, source, segment, traffic_date
),

-- of a day without the lines of any order, or an event, of a source its sales, or views, are not
-- known
selling as (
    select
        source,
        order_date as business_date
    from {{ ref('int_order_items_shared') }}
    where {{ only_affected_days('order_date') }}
    union
    select
        source,
        business_date
    from lines
),

tracked as (
    select distinct
        source,
        event_date as business_date
    from {{ ref('int_events_summed') }}
    where {{ only_affected_days('event_date') }}
),

{% set parts = {
    'sold': ['orders', 'buyers', 'units', 'gmv'],
    'refunded': ['refunds', 'refunded_amount'],
    'viewed': ['views', 'add_to_carts', 'product_visitors', 'cart_visitors'],
    'reported': ['views', 'product_visitors', 'cart_visitors']
} %}
{% set names = parts.sold + parts.refunded + parts.viewed %}
-- totals stand in where no event tells
entries as (
    {% for part, told in parts.items() %}
        select
            platform,
            source,
            product_id,
            business_date,
            '{{ part }}' as part,
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
        source,
        product_id,
        business_date,
    {% for name in names %}
        coalesce(
            sum(case when part <> 'reported' then {{ name }} end), sum({{ name }})
        ) as {{ name }}{{ ',' if not loop.last }}
    {% endfor %}
    from entries
    group by platform, source, product_id, business_date
),

joined as (
    select
        summed.*,
        selling.source is not null as is_selling,
        tracked.source is not null as is_tracked,
        refunders.platform is not null as is_refunding
    from summed
    left join selling
        on summed.source = selling.source and summed.business_date = selling.business_date
    left join tracked
        on summed.source = tracked.source and summed.business_date = tracked.business_date
    left join refunders on summed.platform = refunders.platform
),

known as (
    select
        *,
        {% for name in ['orders', 'buyers', 'units', 'gmv'] %}
            coalesce({{ name }}, case when is_selling then 0 end) as known_{{ name }},
        {% endfor %}
        {% for name in ['views', 'add_to_carts', 'product_visitors', 'cart_visitors'] %}
            coalesce({{ name }}, case when is_tracked then 0 end) as known_{{ name }},
        {% endfor %}
        case when is_refunding then coalesce(refunds, 0) end as known_refunds,
        case when is_refunding then coalesce(refunded_amount, 0) end as known_refunded_amount
    from joined
),

final as (
    select
        business_date,
        platform,
        source,
        product_id,
        {{ join_key(['source', 'product_id']) }} as product_key,
        cast(known_orders as bigint) as orders,
        cast(known_buyers as bigint) as buyers,
        cast(known_units as bigint) as units,
        cast(known_gmv as decimal(18, 2)) as gmv,
        cast(known_gmv - known_refunded_amount as decimal(18, 2)) as net_sales,
        cast(known_refunds as bigint) as refunds,
        cast(known_refunded_amount as decimal(18, 2)) as refunded_amount,
        cast(known_views as bigint) as views,
        cast(known_add_to_carts as bigint) as add_to_carts,
        cast(known_product_visitors as bigint) as product_visitors,
        cast(known_cart_visitors as bigint) as cart_visitors
    from known
)

select * from final
