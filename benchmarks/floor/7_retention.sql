-- Who came or bought for the first time on a day, and when each of them did again.
create or replace table members as
select
    'visit' as kind, platform, visitor as member, min({{'at': started_at, 'channel': channel}}).channel as channel,
    min(day) as cohort, max(day) as last_day
from sessions
group by platform, visitor
union all
select 'purchase', arg_min(platform, order_number), customer, null, min(day), max(day) from bought group by customer;

create or replace table acts as
select distinct 'visit' as kind, platform, visitor as member, day, 0 as net, true as is_active from sessions
union all
select 'purchase', null, customer, day, sum(net), true from bought group by customer, day
union all
select 'visit', platform, visitor, day, sum(paid - refunded), false from sold
where is_paid and visitor is not null group by platform, visitor, day;

create or replace table numbers as
select 'day' as grain, unnest(range(0, 31) || [60, 90, 180, 365]) as n union all select 'month', unnest(range(0, 25));

create or replace macro since(grain, cohort, day) as
    if(grain = 'day', date_diff('day', cohort, day), date_diff('month', cohort, day));

-- by cohort and day or month since, of each member once
create or replace table active as
select kind, platform, channel, cohort, grain, n, sum(is_active) as members, sum(net) as net
from (
    select
        members.kind, members.platform, members.channel, members.cohort, members.member, grain,
        since(grain, members.cohort, acts.day) as n, max(cast(is_active as integer)) as is_active, sum(net) as net
    from members
    inner join acts
        on members.kind = acts.kind and members.member = acts.member and members.platform = coalesce(acts.platform, members.platform)
    cross join (values ('day'), ('month')) as grains (grain)
    where acts.day >= members.cohort
    group by all
)
group by all;

create or replace table lasts as
select kind, platform, channel, cohort, grain, since(grain, cohort, last_day) as n, count(*) as members
from members
cross join (values ('day'), ('month')) as grains (grain)
group by all;

create or replace table segmented as
with dated as (
    select 'classic' as type, * from active union all select 'unbounded', *, null from lasts
)
select
    type, grain, kind, if(grain = 'day', cohort, period_of('month', cohort)) as first, n,
    case when grouping(named.platform) = 0 then 'platform' when grouping(channel) = 0 then 'channel' else 'all' end
        as dimension,
    coalesce(named.platform, channel, 'all') as segment,
    sum(members) as members, sum(net) as net
from dated
inner join (select distinct platform, dense_platform from shops) as named on dated.platform = dense_platform
group by grouping sets (
    (type, grain, kind, first, n), (type, grain, kind, first, n, named.platform), (type, grain, kind, first, n, channel)
);

-- by number, for texts are dear to join by
create or replace table cohorts as
select grain, kind, first, dimension, segment, row_number() over () as cohort, sum(members) as cohort_size
from segmented where type = 'unbounded' group by all;

create or replace table counted as
select cohort, type, n, members, net from segmented inner join cohorts using (grain, kind, first, dimension, segment);

create or replace table retention as
with listed as (from cohorts inner join numbers using (grain)),
-- whose last day is that one or a later
reached as (
    select cohort, n, sum(members) over (partition by cohort order by n desc) as members
    from counted where type = 'unbounded'
),
retained as (
    select listed.*, 'classic' as retention_type, members, net
    from listed
    left join (from counted where type = 'classic') as came using (cohort, n)
    union all
    select listed.*, 'unbounded', members, 0
    from listed
    asof left join reached on listed.cohort = reached.cohort and listed.n <= reached.n
)
select
    grain, kind, first, retention_type, dimension, segment, n as period_number, cohort_size,
    coalesce(members, 0) as retained_count, coalesce(net, 0) / 100 as revenue
from retained;

create or replace view fct_retention_daily as select first as cohort_date, * from retention where grain = 'day';
create or replace view fct_retention_monthly as select first as cohort_month, * from retention where grain = 'month';
