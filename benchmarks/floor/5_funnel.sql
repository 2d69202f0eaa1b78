-- How far sessions came, told by the first instant of each step where these are in order, else by
-- walking through the steps.
create or replace macro depth_of(t1, t2, t3, t4, t5) as case
    when t1 is null then 0 when t2 is null then 1 when t3 is null then 2 when t4 is null then 3
    when t5 is null then 4 else 5 end;
create or replace macro is_orderly(t1, t2, t3, t4, t5) as coalesce(
    t1 is null or t2 is null or (
        t2 >= t1 and (t3 is null or (t3 >= t2 and (t4 is null or (t4 >= t3 and (t5 is null or t5 >= t4)))))
    ), false);
create or replace macro walked(steps, begun) as
    list_reduce(list_prepend(begun, steps), lambda come, step: if(step = come + 1, step, come));

create or replace table session_walks as
select
    sessions.session_id,
    walked(list(events.step order by events.occurred_at, events.step), 0) as depth
from sessions
inner join events
    on
        sessions.shop = events.shop and sessions.visitor = events.visitor
        and events.occurred_at between sessions.started_at and sessions.ended_at
where events.step is not null and not is_orderly(t1, t2, t3, t4, t5)
group by sessions.session_id;

create or replace table session_attempts as
select 'session' as basis, session_id, day, t1, t2, t3, t4, t5, coalesce(walks.depth, depth_of(t1, t2, t3, t4, t5)) as depth
from sessions
left join session_walks as walks using (session_id);

-- A visitor's attempt of a day is all that follows his first step of it, for seven days from the
-- last step 1 of the day.
create or replace table steps as
select dense_platform as platform, shop, visitor, occurred_at, local_date(occurred_at) as day, step
from events
inner join shops on events.shop = shops.dense_shop
where step is not null and visitor is not null;

create or replace table starts as
select
    platform,
    visitor,
    day,
    row_number() over () as attempt,
    min(occurred_at) as began_at,
    coalesce(max(occurred_at) filter (where step = 1), min(occurred_at)) + interval 7 day as until,
    coalesce(min({{'at': occurred_at, 'shop': shop}}) filter (where step = 1), min({{'at': occurred_at, 'shop': shop}})) as first_step
from steps
group by platform, visitor, day;

create or replace table visitor_firsts as
select
    attempt,
    any_value(starts.day) as day,
    any_value(platform) as platform,
    any_value(visitor) as visitor,
    any_value(first_step) as first_step,
    min(occurred_at) filter (where step = 1) as t1,
    min(occurred_at) filter (where step = 2) as t2,
    min(occurred_at) filter (where step = 3) as t3,
    min(occurred_at) filter (where step = 4) as t4,
    min(occurred_at) filter (where step = 5) as t5
from starts
inner join steps using (platform, visitor)
where occurred_at between began_at and until and (step > 1 or steps.day = starts.day)
group by attempt;

-- out of order, or not within seven days of the first step 1: the best of all walks from a step 1
create or replace table visitor_walks as
with disorderly as (
    select * from visitor_firsts
    where not is_orderly(t1, t2, t3, t4, t5) or coalesce(
        (depth_of(t1, t2, t3, t4, t5) > 1 and t2 > t1 + interval 7 day) or (depth_of(t1, t2, t3, t4, t5) > 2 and t3 > t1 + interval 7 day)
        or (depth_of(t1, t2, t3, t4, t5) > 3 and t4 > t1 + interval 7 day) or (depth_of(t1, t2, t3, t4, t5) > 4 and t5 > t1 + interval 7 day), false)
),
walks as (
    select attempt, walked(list(next.step order by next.occurred_at, next.step), 1) as depth
    from disorderly
    inner join steps as one using (platform, visitor, day)
    inner join steps as next using (platform, visitor)
    where
        one.step = 1 and next.step > 1
        and next.occurred_at between one.occurred_at and one.occurred_at + interval 7 day
    group by attempt, one.occurred_at
)
select attempt, max(depth) as depth
from (from walks union all select attempt, 1 from disorderly)  -- 1: nothing after any step 1
group by attempt;

create or replace table attempts as
from session_attempts
union all
select 'visitor', session_id, first.day, first.t1, first.t2, first.t3, first.t4, first.t5,
    coalesce(walks.depth, depth_of(first.t1, first.t2, first.t3, first.t4, first.t5))
from visitor_firsts as first
inner join sessions
    on
        first.first_step.shop = sessions.shop and first.visitor = sessions.visitor
        and first.first_step.at between sessions.started_at and sessions.ended_at
left join visitor_walks as walks using (attempt);

create or replace table fct_funnel_daily as
with cells as (
    select
        attempts.day, basis, shop, channel, device, region, depth, count(*) as n,
        count(t1) as r1, count(t2) as r2, count(t3) as r3, count(t4) as r4, count(t5) as r5,
        count(t1) as d1,
        count(*) filter (where t2 is not null and not coalesce(t1 <= t2, false)) as d2,
        count(*) filter (where t3 is not null and not coalesce(t2 <= t3, false)) as d3,
        count(*) filter (where t4 is not null and not coalesce(t3 <= t4, false)) as d4,
        count(*) filter (where t5 is not null and not coalesce(t4 <= t5, false)) as d5
    from attempts
    inner join (select session_id, shop, channel, device, region from sessions) using (session_id)
    group by all
),
named as (
    select cells.* exclude (shop), shops.platform, shops.shop_id from cells inner join shops on shop = dense_shop
),
segments as (
    select
        day, basis,
        case
            when grouping(platform) = 0 then 'platform' when grouping(shop_id) = 0 then 'shop'
            when grouping(channel) = 0 then 'channel' when grouping(device) = 0 then 'device'
            when grouping(region) = 0 then 'region' else 'all'
        end as dimension,
        coalesce(platform, shop_id, channel, device, region, 'all') as segment,
        sum(n) as attempt_count,
        [sum(n) filter (where depth >= 1), sum(n) filter (where depth >= 2), sum(n) filter (where depth >= 3),
            sum(n) filter (where depth >= 4), sum(n) filter (where depth >= 5)] as entered,
        [sum(r1), sum(r2), sum(r3), sum(r4), sum(r5)] as reached,
        [sum(d1), sum(d2), sum(d3), sum(d4), sum(d5)] as direct
    from named
    group by grouping sets (
        (day, basis), (day, basis, platform), (day, basis, shop_id), (day, basis, channel), (day, basis, device),
        (day, basis, region)
    )
)
select
    day as business_date, basis, dimension, segment, attempt_count,
    unnest(range(1, 6)) as step_number, coalesce(unnest(entered), 0) as entered_count, unnest(reached) as reached_count,
    unnest(direct) as direct_count
from segments;
