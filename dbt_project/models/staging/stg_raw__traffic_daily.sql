{{ replace(rows='version', day='traffic_date', order_by=['traffic_date']) }}

with

latest as (
    {{ latest_versions('traffic_daily') }}
),

final as (
    select
        -- identifiers
        source,
        traffic_date,
        platform,
        shop_id,
        grain,
        segment,
        -- figures
        visitors,
        page_views,
        product_visitors,
        favourite_visitors,
        cart_visitors,
        paying_visitors,
        -- delivery
        _row_key,
        _batch_id,
        _is_tied
    from latest
)

select * from final
