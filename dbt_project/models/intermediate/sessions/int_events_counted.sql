{# A join of the largest table with a small one: read where it is used, never stored. #}
{{ config(materialized='view') }}

with events as (
    select * from {{ ref('stg_raw__events') }}
),

first_purchases as (
    select
        platform,
        shop_id,
        visitor_key,
        order_id,
        min(occurred_at) as first_at
    from {{ ref('int_purchases_tracked') }}
    where visitor_key is not null
    group by platform, shop_id, visitor_key, order_id
    having count(*) > 1
),

final as (
    select
        events.source,
        events.event_id,
        events.platform,
        events.shop_id,
        events.visitor_key,
        events.customer_key,
        events.order_id,
        events.occurred_at,
        events.event_date,
        events.utm_source,
        events.utm_medium,
        events.utm_campaign,
        events.referrer,
        events.device,
        events.region,
        case when first_purchases.first_at is null then events.event_type else 'other' end
            as event_type
    from events
    left join first_purchases
        on
            events.event_type = 'purchase'
            and events.platform = first_purchases.platform
            and events.shop_id = first_purchases.shop_id
            and events.visitor_key = first_purchases.visitor_key
            and events.order_id = first_purchases.order_id
            and events.occurred_at > first_purchases.first_at
)

select * from final
