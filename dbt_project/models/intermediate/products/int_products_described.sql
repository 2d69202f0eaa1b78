{{ config(materialized='view') }}

with

products as (
    select * from {{ ref('stg_raw__products') }}
    qualify row_number() over (partition by source, product_id order by valid_from desc) = 1
),

stocked as (
    select * from {{ ref('int_stock_products') }}
),

-- what only a warehouse names is described as in a shop, by the newest description there
borrowed as (
    select
        stocked.product_key as described_key,
        products.*
    from stocked
    inner join products on stocked.shop_product_key = products.product_key
    where stocked.product_key not in (select own.product_key from products as own)
    qualify
        row_number() over (
            partition by stocked.product_key
            order by products.valid_from desc, products.product_key asc
        ) = 1
),

described as (
    select
        product_key as described_key,
        products.*
    from products
    union all
    select * from borrowed
),

final as (
    select
        described_key,
        described_key <> product_key as is_borrowed,
        source,
        product_id,
        product_key,
        name,
        category_1,
        brand,
        role,
        supplier_id,
        launched_at,
        list_price,
        cost
    from described
)

select * from final
