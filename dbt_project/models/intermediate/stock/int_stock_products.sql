{{ replace(
    rows='whole', day='first_date', order_by=['product_key', 'shop_product_key'],
    affected={
        'int_stock_spans': 'key', 'stg_raw__purchase_orders': 'key', 'stg_raw__products': 'key',
        'stg_raw__order_items': 'key'
    }
) }}

with

-- only what is stocked has days of stock
stocked as (
    select
        source,
        product_id,
        product_key,
        min(first_date) as first_date
    from {{ ref('int_stock_spans') }}
    group by source, product_id, product_key
    union all
    select distinct
        source,
        product_id,
        product_key,
        cast(null as date) as first_date
    from {{ ref('stg_raw__purchase_orders') }}
    where product_key not in (select spans.product_key from {{ ref('int_stock_spans') }} as spans)
),

known as (
    select
        source,
        product_id,
        product_key
    from {{ ref('stg_raw__products') }}
    union
    select
        source,
        product_id,
        product_key
    from {{ ref('stg_raw__order_items') }}
    where product_id is not null
),

-- ids of a source that lists or sells products are its own; a warehouse's are those of all shops
joined as (
    select
        stocked.source,
        stocked.product_id,
        stocked.product_key,
        stocked.first_date,
        known.product_key as shop_product_key
    from stocked
    left join known
        on
            stocked.product_id = known.product_id
            and (
                stocked.source = known.source
                or stocked.source not in (select owners.source from known as owners)
            )
),

final as (
    select
        source,
        product_id,
        product_key,
        first_date,
        shop_product_key
    from joined
)

select * from final
