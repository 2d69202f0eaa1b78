{{ replace(
    rows='visitor', affected={'stg_raw__events': 'visitor'}, day='business_date',
    order_by=['business_date']
) }}

with

events as (
    select *
    from {{ ref('stg_raw__events') }}
    where visitor_key is not null and {{ only_touched_visitors() }}
),

chained as (
    {{ chained_events('events') }}
),

pieces as (
    select
        *,
        floor(
            {{ seconds_between('chain_started_at', 'occurred_at') }}
            / ({{ var('session_cap_hours') }} * 3600)
        ) as piece,
        utm_source is not null or utm_medium is not null as has_utm
    from chained
),

sessions as (
    select
        platform,
        shop_id,
        visitor_key,
        chain_started_at,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at,
        max_by(customer_key, visit_position) filter (where customer_key is not null)
            as customer_key,
        min_by(coalesce(utm_source, ''), visit_position) filter (where has_utm) as utm_source,
        min_by(coalesce(utm_medium, ''), visit_position) filter (where has_utm) as utm_medium,
        min_by(coalesce(utm_campaign, ''), visit_position) filter (where has_utm) as utm_campaign,
        min_by(device, visit_position) filter (where device is not null) as device,
        min_by(region, visit_position) filter (where region is not null) as region,
        count(*) as event_count,
        bool_or(event_type = 'product_view') as has_product_view,
        bool_or(event_type = 'add_to_cart') as has_add_to_cart,
        bool_or(event_type = 'checkout') as has_checkout,
        bool_or(event_type = 'purchase') as has_purchase
    from pieces
    group by platform, shop_id, visitor_key, chain_started_at, piece
),

channels as (
    {{ channels_of('sessions') }}
),

final as (
    select
        {{ session_id('sessions') }} as session_id,
        sessions.visitor_key,
        sessions.customer_key,
        sessions.platform,
        sessions.shop_id,
        sessions.started_at,
        sessions.ended_at,
        sessions.chain_started_at,
        {{ local_date('sessions.started_at') }} as business_date,
        coalesce(channels.channel, 'direct') as channel,
        nullif(sessions.utm_campaign, '') as campaign,
        coalesce(sessions.device, '(untracked)') as device,
        coalesce(sessions.region, '(untracked)') as region,
        sessions.event_count,
        sessions.has_product_view,
        sessions.has_add_to_cart,
        sessions.has_checkout,
        sessions.has_purchase
    from sessions
    left join channels
        on
            sessions.utm_source = channels.utm_source
            and sessions.utm_medium = channels.utm_medium
)

select * from final
