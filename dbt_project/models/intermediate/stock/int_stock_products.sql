with

stocked as (
    select
        source,
        product_id,
        product_key
    from {{ ref('stg_raw__inventory_snapshots') }}
    union
    select
        source,
        product_id,
        product_key
    from {{ ref('stg_raw__inventory_movements') }}
    union
    select
        source,
        product_id,
        product_key
    from {{ ref('stg_raw__purchase_orders') }}
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
        shop_product_key
    from joined
)

select * from final
