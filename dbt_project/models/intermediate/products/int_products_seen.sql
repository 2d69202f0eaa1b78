{{ config(materialized='view') }}

with

events as (
    select * from {{ ref('stg_raw__events') }}
    where product_id is not null and event_type in ('product_view', 'add_to_cart')
),

final as (
    select
        platform,
        source,
        product_id,
        {{ join_key(['source', 'product_id']) }} as product_key,
        event_date as business_date,
        case when event_type = 'product_view' then visitor_key end as viewer_key,
        case when event_type = 'add_to_cart' then visitor_key end as carter_key,
        case when event_type = 'product_view' then 1 else 0 end as views,
        case when event_type = 'add_to_cart' then 1 else 0 end as add_to_carts
    from events
)

select * from final
