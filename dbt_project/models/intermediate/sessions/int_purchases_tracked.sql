{# One event in fifty, which many tables look for among all of them. #}
{{ replace(
    rows='day', day='event_date', order_by=['event_date'], affected={'stg_raw__events': [0, 0]},
    touch=join_key(['platform', 'shop_id', 'order_id'])
) }}

with

final as (
    select
        source,
        event_id,
        platform,
        shop_id,
        visitor_key,
        customer_key,
        order_id,
        live_room_id,
        occurred_at,
        event_date
    from {{ ref('stg_raw__events') }}
    where
        event_type = 'purchase'
        and order_id is not null
        and {{ only_affected_days('event_date') }}
)

select * from final
