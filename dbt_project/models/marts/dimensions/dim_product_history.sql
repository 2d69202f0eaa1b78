{# What a product is first said to be held before that day too, as for lines of orders. #}
{{ replace(
    rows='whole', day="case when is_first then date '1900-01-01' else valid_from end",
    order_by=['product_key', 'valid_from'], affected={'stg_raw__products': 'key'}
) }}

with

products as (
    select * from {{ ref('stg_raw__products') }}
),

final as (
    select
        product_key,
        source,
        product_id,
        valid_from,
        lead(valid_from) over (partition by product_key order by valid_from) - 1 as valid_to,
        row_number() over (partition by source, product_id order by valid_from) = 1 as is_first,
        name as product_name,
        category_1 as category,
        category_2,
        category_3,
        brand,
        role,
        supplier_id,
        cast(list_price as decimal(18, 2)) as list_price,
        cast(cost as decimal(18, 2)) as unit_cost
    from products
)

select * from final
