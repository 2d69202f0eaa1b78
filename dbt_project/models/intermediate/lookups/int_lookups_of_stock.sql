{{ config(materialized='view') }}

with

known as (
    select distinct product_key from {{ ref('int_stock_products') }}
    where shop_product_key is not null
),

rows_of_products as (
    select
        'inventory_snapshots' as feed,
        'product' as looks_for,
        source,
        snapshot_date as day,
        product_id,
        product_key,
        cast(null as decimal(18, 2)) as amount
    from {{ ref('stg_raw__inventory_snapshots') }}
    union all
    select
        'inventory_movements' as feed,
        'product' as looks_for,
        source,
        {{ local_date('moved_at') }} as day,
        product_id,
        product_key,
        cast(null as decimal(18, 2)) as amount
    from {{ ref('stg_raw__inventory_movements') }}
    union all
    select
        'purchase_orders' as feed,
        'product' as looks_for,
        source,
        {{ local_date('ordered_at') }} as day,
        product_id,
        product_key,
        cast(ordered_quantity * unit_cost as decimal(18, 2)) as amount
    from {{ ref('stg_raw__purchase_orders') }}
),

final as (
    select
        feed,
        looks_for,
        source,
        day,
        product_id as example_id,
        sum(amount) as amount,
        product_key in (select known.product_key from known) as is_found,
        cast(count(*) as bigint) as row_count
    from rows_of_products
    group by feed, looks_for, source, day, product_id, product_key
)

select * from final
