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

create or replace table retention as
with dated as (
    select 'classic' as type, * from active union all select 'unbounded', *, null from lasts
),
segmented as (
    select
        type, grain, kind, if(grain = 'day', cohort, period_of('month', cohort)) as start, n,
        case when grouping(shops.platform) = 0 then 'platform' when grouping(channel) = 0 then 'channel' else 'all' end as dimension,
        coalesce(shops.platform, channel, 'all') as segment,
        sum(members) as members, sum(net) as net
    from dated
    inner join (select distinct platform, dense_platform from shops) as shops on dated.platform = dense_platform
    group by grouping sets (
        (type, grain, kind, start, n), (type, grain, kind, start, n, shops.platform), (type, grain, kind, start, n, channel)
    )
),
cohorts as (
    select grain, kind, start, dimension, segment, sum(members) as cohort_size
    from segmented where type = 'unbounded' group by all
)
select
    cohorts.grain, cohorts.kind, cohorts.start, retention_type, cohorts.dimension, cohorts.segment, numbers.n as period_number,
    any_value(cohort_size) as cohort_size, coalesce(sum(members), 0) as retained_count,
    coalesce(sum(net), 0) / 100 as revenue
from cohorts
inner join numbers on cohorts.grain = numbers.grain
cross join (values ('classic'), ('unbounded')) as types (retention_type)
left join segmented
    on
        cohorts.grain = segmented.grain and cohorts.kind = segmented.kind and cohorts.start = segmented.start
        and cohorts.dimension = segmented.dimension and cohorts.segment = segmented.segment
        and segmented.type = retention_type
        and (segmented.n = numbers.n or (retention_type = 'unbounded' and segmented.n > numbers.n))
group by all;

create or replace view fct_retention_daily as select start as cohort_date, * from retention where grain = 'day';
create or replace view fct_retention_monthly as select start as cohort_month, * from retention where grain = 'month';
