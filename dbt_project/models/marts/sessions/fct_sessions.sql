{# Publishing writes it out as a table; in the build file a second copy would only cost time. #}
{{ config(
    materialized='view' if has_incremental_tables() else 'table',
    meta={'rows_of': ['int_sessions_built', 'int_sessions_recognised']}
) }}

with

sessions as (
    select * from {{ ref('int_sessions_identified') }}
),

final as (
    select
        session_id,
        visitor_key,
        customer_key,
        platform,
        shop_id,
        started_at,
        ended_at,
        business_date,
        channel,
        campaign,
        device,
        region,
        event_count,
        has_product_view,
        has_add_to_cart,
        has_checkout,
        has_purchase
    from sessions
)

select * from final
