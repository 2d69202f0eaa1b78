{{ replace(
    rows='day', day='business_date', order_by=['business_date'],
    affected={
        'fct_order_items': [0, 0], 'fct_orders': [0, 0], 'fct_refunds': [0, 0],
        'int_order_items_shared': [0, 0], 'stg_raw__events': [0, 0],
        'dim_product_history': [0, 0]
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
    where {{ only_affected_days('business_date') }}
),

seen as (
    select * from {{ ref('int_products_seen') }}
    where {{ only_affected_days('business_date') }}
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
        seen.platform,
        coalesce(descriptions.category, '(unknown)') as category,
        seen.business_date,
        sum(seen.views) as views,
        sum(seen.add_to_carts) as add_to_carts,
        count(distinct seen.viewer_key) as product_visitors
    from seen
    left join descriptions
        on
            seen.product_key = descriptions.product_key
            and (seen.business_date >= descriptions.valid_from or descriptions.is_first)
            and (seen.business_date <= descriptions.valid_to or descriptions.valid_to is null)
    group by seen.platform, coalesce(descriptions.category, '(unknown)'), seen.business_date
),

-- of a day without the lines of any order, or a product seen, of a platform its sales, or views,
-- are not known
selling as (
    select
        sources.platform,
        placed.order_date as business_date
    from {{ ref('int_order_items_shared') }} as placed
    inner join {{ ref('int_sources_placed') }} as sources on placed.source = sources.source
    where {{ only_affected_days('placed.order_date') }}
    union
    select
        platform,
        business_date
    from sold
),

tracked as (
    select distinct
        platform,
        business_date
    from seen
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
