-- Half an hour without an event ends a session, and so do 24 hours.
create or replace table built as
with spaced as (
    select
        * exclude (event_id, event_type),
        lag(occurred_at) over (partition by shop, visitor order by occurred_at) as previous_at
    from events
    where visitor is not null
),
chained as (
    select
        *,
        max(if(previous_at is null or epoch_us(occurred_at) - epoch_us(previous_at) > 1800000000, occurred_at, null))
            over (partition by shop, visitor order by occurred_at) as chain_at
    from spaced
),
cut as (
    select *, (epoch_us(occurred_at) - epoch_us(chain_at)) // 86400000000 as piece from chained
)
select
    shop,
    visitor,
    min(occurred_at) as started_at,
    max(occurred_at) as ended_at,
    count(*) as event_count,
    min(device) filter (where occurred_at = chain_at or piece > 0) as device,
    min(region) filter (where occurred_at = chain_at or piece > 0) as region,
    min(nullif(regexp_extract(lower(referrer), '^[a-z-]+://(www[.])?([^/:?#]+)', 2), ''))
        filter (where (occurred_at = chain_at or piece > 0) and referrer is not null) as host,
    min({{'at': occurred_at, 's': utm_source, 'm': utm_medium, 'c': utm_campaign}})
        filter (where utm_source is not null or utm_medium is not null) as utm,
    max({{'at': occurred_at, 'person': person}}) filter (where person is not null) as last_person,
    min(occurred_at) filter (where step = 1) as t1,
    min(occurred_at) filter (where step = 2) as t2,
    min(occurred_at) filter (where step = 3) as t3,
    min(occurred_at) filter (where step = 4) as t4,
    min(occurred_at) filter (where step = 5) as t5
from cut
group by shop, visitor, chain_at, piece;

create or replace table came_from as
select distinct
    if(utm is null, host, utm.s) as source,
    if(utm is null, if(host is null, null, 'referral'), utm.m) as medium
from built
where utm is not null or host is not null;

create or replace table sessions as
select
    md5(concat_ws('|', shops.platform, shops.shop_id, replace(cast(visitor as varchar), '-', ''), cast(started_at as varchar)))
        as session_id,
    shop,
    shops.dense_platform as platform,
    visitor,
    last_person.person,
    cast(null as uuid) as customer,
    started_at,
    ended_at,
    local_date(started_at) as day,
    coalesce(known.channel, 'direct') as channel,
    utm.c as campaign,
    coalesce(device, '(untracked)') as device,
    coalesce(region, '(untracked)') as region,
    event_count,
    t1, t2, t3, t4, t5
from built
inner join shops on built.shop = shops.dense_shop
left join channels_of('came_from') as known
    on
        if(utm is null, host, utm.s) is not distinct from known.source
        and if(utm is null, if(host is null, null, 'referral'), utm.m) is not distinct from known.medium;
