-- Every event of a known visitor lies in one session: counts by platform and shop agree.
{% set of_tested_visitors = only_tested_keys(
    join_key(['platform', 'shop_id', 'visitor_key']), ['stg_raw__events', 'int_sessions_built'],
    last_part='visitor_key'
) %}
with

events as (
    select
        platform,
        shop_id,
        count(*) as event_count,
        count(distinct visitor_key) as visitors
    from {{ ref('stg_raw__events') }}
    where visitor_key is not null and {{ of_tested_visitors }}
    group by platform, shop_id
),

sessions as (
    select
        platform,
        shop_id,
        sum(event_count) as event_count,
        count(distinct visitor_key) as visitors
    from {{ ref('fct_sessions') }}
    where {{ of_tested_visitors }}
    group by platform, shop_id
),

final as (
    select
        coalesce(events.platform, sessions.platform) as platform,
        coalesce(events.shop_id, sessions.shop_id) as shop_id,
        events.event_count as staged_event_count,
        sessions.event_count as mart_event_count
    from events
    full join sessions on events.platform = sessions.platform and events.shop_id = sessions.shop_id
    where
        events.event_count is distinct from sessions.event_count
        or events.visitors is distinct from sessions.visitors
)

select * from final
