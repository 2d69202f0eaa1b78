create or replace table first_paid as
select customer, min(day) as first_paid from bought group by customer;

-- The first session of a visitor on a platform in each period; weeks and months from the days.
create or replace table first_of_days as
select platform, visitor, day, min({{
    'at': started_at, 'id': session_id, 'shop': shop, 'channel': channel, 'device': device, 'region': region,
    'customer': customer
}}) as s
from sessions
group by all;

create or replace table first_sessions as
select 'day' as grain, day as period, platform, s from first_of_days
union all
select 'week', period_of('week', day), platform, min(s) from first_of_days group by period_of('week', day), platform, visitor
union all
select 'month', period_of('month', day), platform, min(s) from first_of_days group by period_of('month', day), platform, visitor;

create or replace table order_periods as
with paid as (
    select *, unnest(['day', 'week', 'month']) as grain, period_of(grain, day) as period
    from sold
    where is_paid
)
select
    paid.*,
    case
        when paid.customer is null then '(unidentified)'
        when first_paid < period then 'returning' else 'new'
    end as customer_type,
    paid.customer is not null and row_number() over (
        partition by grain, period, platform, paid.customer order by paid_at, source, order_id
    ) = 1 as is_first
from paid
left join first_paid using (customer);

create or replace table facts as
select
    grain, period, s.shop, s.channel, s.device, s.region,
    case
        when s.customer is null then '(unidentified)'
        when first_paid < period then 'returning' else 'new'
    end as customer_type,
    count(*) as visitors, 0 as buyers, 0 as new_buyers, 0 as orders, 0 as units, 0 as gmv, 0 as net
from first_sessions
left join first_paid on s.customer = first_paid.customer
group by all
union all
select
    'day', traffic_date, dense_shop, '(untracked)', '(untracked)', '(untracked)', '(unidentified)', sum(visitors), 0, 0, 0, 0, 0, 0
from traffic
inner join shops using (platform, shop_id)
where dense_platform not in (select platform from sessions)
group by all
union all
select
    grain, period, shop, channel, device, region, customer_type, 0, count(*) filter (where is_first),
    count(*) filter (where is_first and customer_type = 'new'), count(*), sum(units), sum(paid), sum(paid)
from order_periods
group by all
union all
select grain, period_of(grain, refund_date), shop, channel, device, region, customer_type, 0, 0, 0, 0, 0, 0, -sum(goods)
from given_back
inner join order_periods using (source, order_id)
group by all;

create or replace table gmv_cells as
select
    grain, period,
    case
        when grouping(shops.platform) = 0 then 'platform' when grouping(shop_id) = 0 then 'shop'
        when grouping(channel) = 0 then 'channel' when grouping(device) = 0 then 'device'
        when grouping(region) = 0 then 'region' when grouping(customer_type) = 0 then 'customer_type' else 'all'
    end as dimension,
    coalesce(shops.platform, shop_id, channel, device, region, customer_type, 'all') as segment,
    sum(visitors) as visitors, sum(buyers) as buyers, sum(new_buyers) as new_buyers, sum(orders) as orders,
    sum(units) as units, sum(gmv) / 100 as gmv, sum(net) / 100 as net_sales
from facts
inner join shops on facts.shop = shops.dense_shop
group by grouping sets (
    (grain, period), (grain, period, shops.platform), (grain, period, shop_id), (grain, period, channel),
    (grain, period, device), (grain, period, region), (grain, period, customer_type)
);

create or replace view fct_gmv_daily as select period as business_date, * from gmv_cells where grain = 'day';
create or replace view fct_gmv_weekly as select period as period_start, * from gmv_cells where grain = 'week';
create or replace view fct_gmv_monthly as select period as period_start, * from gmv_cells where grain = 'month';
