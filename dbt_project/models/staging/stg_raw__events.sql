{# No order_by: a file of events holds one span of time, so the days lie together as they come and
   sorting the largest table of all would cost half its build again. #}
{{ replace(
    rows='version', row_key='event_id', row_hash='_row_hash', day='event_date',
    touch=join_key(['platform', 'shop_id', 'visitor_key']), touch_at='occurred_at',
    key='case when order_id is not null then ' ~ join_key(['platform', 'shop_id', 'order_id']) ~ ' end',
    affected={'stg_raw__order_aliases': 'key'}
) }}

with

latest as (
    {{ latest_versions('events') }}
),

named as (
    {{ with_own_orders('latest', ['platform', 'shop_id']) }}
),

final as (
    select
        -- identifiers
        source,
        event_id,
        platform,
        shop_id,
        visitor_key,
        customer_key,
        product_id,
        own_order_id as order_id,
        live_room_id,
        -- instants and local dates
        occurred_at,
        {{ local_date('occurred_at') }} as event_date,
        -- what happened
        event_type,
        -- where the visitor came from
        utm_source,
        utm_medium,
        utm_campaign,
        utm_content,
        referrer,
        device,
        region,
        -- delivery
        _batch_id,
        _row_hash,
        _is_tied
    from named
)

select * from final
