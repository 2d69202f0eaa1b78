{{ replace(
    rows='key', key=join_key(['platform', 'user_key']), day='business_date',
    order_by=['business_date'], touch=join_key(['platform', 'customer_key']),
    touch_each=[join_key(['platform', 'visitor_key']), 'customer_key'],
    affected={'int_sessions_built': 'key', 'int_customer_links': 'key'}
) }}

with

sessions as (
    select
        session_id,
        platform,
        shop_id,
        visitor_key,
        user_key,
        started_at,
        business_date
    from {{ ref('int_sessions_built') }}
    where
        user_key is not null
        and {{ only_touched_keys(join_key(['platform', 'user_key']), last_part='user_key') }}
),

links as (
    select * from {{ ref('int_customer_links') }}
),

final as (
    select
        sessions.session_id,
        sessions.platform,
        sessions.shop_id,
        sessions.visitor_key,
        sessions.user_key,
        coalesce(links.customer_key, sessions.user_key) as customer_key,
        sessions.started_at,
        sessions.business_date
    from sessions
    left join links
        on sessions.platform = links.platform and sessions.user_key = links.user_key
)

select * from final
