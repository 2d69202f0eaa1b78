{{ replace(
    rows='day', affected={'int_sessions_built': [0, 0]}, day='business_date',
    order_by=['business_date']
) }}

with

sessions as (
    select *
    from {{ ref('int_sessions_built') }}
    where {{ only_affected_days('business_date') }}
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
