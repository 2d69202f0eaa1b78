{{ replace(
    rows='visitor', affected={'stg_raw__events': 'visitor'}, day='business_date',
    touch=join_key(['platform', 'user_key']), touch_each=[join_key(['platform', 'visitor_key'])],
    order_by=['business_date']
) }}

with

events as (
    select
        *,
        {{ text_digest(join_key(['platform', 'shop_id', 'visitor_key'])) }} as visitor_digest,
        utm_source is not null or utm_medium is not null as has_utm
    from {{ ref('int_events_counted') }}
    where visitor_key is not null and {{ only_touched_visitors() }}
),

chained as (
    {{ chained_events('events') }}
),

-- A chain longer than the cap makes several sessions: its pieces.
pieces as (
    select
        *,
        floor(
            {{ seconds_between('chain_started_at', 'occurred_at') }}
            / ({{ var('session_cap_hours') }} * 3600)
        ) as piece
    from chained
),

-- Rows that can tell what holds for the whole session: its first instant, its first utm values.
-- Of a later piece any row can.
marked as (
    select
        *,
        piece > 0 or occurred_at = chain_started_at as is_first,
        has_utm
        and (
            piece > 0
            or utm_before_at is null
            or utm_before_at < chain_started_at
            or utm_before_at = occurred_at
        ) as is_early_utm
    from pieces
),

-- Of ties in time the smallest value.
sessions as (
    select
        chain_started_at,
        min(occurred_at) as started_at,
        min(platform) filter (where is_first) as platform,
        min(shop_id) filter (where is_first) as shop_id,
        min(visitor_key) filter (where is_first) as visitor_key,
        min(device) filter (where is_first) as device,
        min(region) filter (where is_first) as region,
        min({{ host_of('referrer') }}) filter (where is_first) as referrer_host,
        max(occurred_at) as ended_at,
        max({{ struct(['occurred_at', 'customer_key']) }})
        filter (where customer_key is not null) as last_customer,
        min({{ struct(['occurred_at', 'utm_source', 'utm_medium', 'utm_campaign']) }})
        filter (where is_early_utm) as first_utm,
        count(*) as event_count,
        bool_or(event_type = 'product_view') as has_product_view,
        bool_or(event_type = 'add_to_cart') as has_add_to_cart,
        bool_or(event_type = 'checkout') as has_checkout,
        bool_or(event_type = 'purchase') as has_purchase,
        md5(
            {{ joined_text(join_key(['source', 'event_id']), ',', 'source, event_id') }}
            filter (where event_type = 'purchase')
        ) as purchases_digest,
        -- first_1_at, first_2_at ... of the funnel
        {{ first_instants_of_steps() }}
    from marked
    group by visitor_digest, chain_started_at, piece
),

unpacked as (
    select
        *,
        last_customer.customer_key as user_key,
        -- without a tag the page the visitor came from is the source
        case when first_utm is null then referrer_host else first_utm.utm_source end as utm_source,
        case
            when first_utm is not null then first_utm.utm_medium
            when referrer_host is not null then 'referral'
        end as utm_medium,
        first_utm.utm_campaign as campaign
    from sessions
),

channels as (
    {{ channels_of('unpacked') }}
),

final as (
    select
        -- of the visitor and the first instant, so a rebuild gives a session the same id
        md5(
            {{ join_key([
                'unpacked.platform', 'unpacked.shop_id', 'unpacked.visitor_key',
                'cast(unpacked.started_at as string)'
            ]) }}
        ) as session_id,
        unpacked.visitor_key,
        unpacked.user_key,
        unpacked.platform,
        unpacked.shop_id,
        unpacked.started_at,
        unpacked.ended_at,
        unpacked.chain_started_at,
        {{ local_date('unpacked.started_at') }} as business_date,
        coalesce(channels.channel, 'direct') as channel,
        unpacked.campaign,
        unpacked.utm_source,
        unpacked.utm_medium,
        coalesce(unpacked.device, '(untracked)') as device,
        coalesce(unpacked.region, '(untracked)') as region,
        {% for step in var('funnel_steps') %}
            unpacked.first_{{ loop.index }}_at,
        {% endfor %}
        unpacked.event_count,
        unpacked.has_product_view,
        unpacked.has_add_to_cart,
        unpacked.has_checkout,
        unpacked.has_purchase,
        unpacked.purchases_digest
    from unpacked
    left join channels
        on
            coalesce(unpacked.utm_source, '') = coalesce(channels.utm_source, '')
            and coalesce(unpacked.utm_medium, '') = coalesce(channels.utm_medium, '')
)

select *
from final
order by business_date
