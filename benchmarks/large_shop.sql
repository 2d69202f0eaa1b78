-- One period of a made-up shop as tables to be written out. Every random number is a hash of what it
-- is drawn for, so periods can be made one by one and again. Parameters, all numbers or dates:
--   {period} of {periods}, {first_day}, {days}, {sessions} and {market_orders} a period,
--   {visitors} altogether, {mean_events} a session, {conversion}; nothing happens after {end_day}
create or replace macro dice(a, salt) as hash(salt || a) / 18446744073709551616.0;  -- of one text: those of several columns hang together
create or replace macro key_of(a, salt) as cast(md5(salt || a) as uuid);
create or replace macro clock(a, salt) as  -- second of a day, most of them in the evening
    cast(86399 * greatest(dice(a, salt || 1), dice(a, salt || 2)) as bigint);

create or replace table sessions as
with drawn as (
    select
        {period} * {sessions} + n as i,
        -- six of ten visits are a visitor's first period, the others go to the late ones more often
        cast(floor(
            case
                when dice(i, 'new') < 0.6 then ({period} + dice(i, 'who')) * {visitors} / {periods}
                else ({period} + 1) * {visitors} / {periods} * sqrt(dice(i, 'who'))
            end
        ) as bigint) as visitor,
        timestamp '{first_day}' + to_days(cast(floor({days} * dice(i, 'day')) as integer))
        + to_seconds(clock(i, 'at')) as started_at
    from range({sessions}) as numbers (n)
)
select
    *,
    dice(i, 'buys') < {conversion} as buys,
    greatest(
        least(cast(ceil(-ln(1 - dice(i, 'length')) * ({mean_events} - 0.5)) as integer), 60),
        case when dice(i, 'buys') < {conversion} then 4 else 1 end
    ) as event_count,
    -- all events of a session in one second; steps told in another order than they were made
    case when dice(i, 'tie') < 0.03 then 0 else 1 + cast(90 * dice(i, 'pace') as integer) end as pace,
    dice(i, 'jumbled') < 0.05 as is_jumbled,
    case when dice(i, 'shop') < 0.2 then 'web-2' else 'web-1' end as shop_id,
    ['mobile', 'mobile', 'desktop', 'tablet'][1 + cast(floor(4 * dice(i, 'device')) as integer)] as device,
    'Region ' || cast(floor(31 * dice(visitor, 'region')) as integer) as region,
    cast(floor(10 * dice(i, 'tag')) as integer) as tag,
    cast(floor(40 * dice(i, 'campaign')) as integer) as campaign
from drawn;

create or replace table events as
with steps as (
    select *, unnest(range(event_count)) as step from sessions
),
told as (
    select
        *,
        i || '.' || step as event,
        case
            when buys and step = event_count - 1 then 'purchase'
            when buys and step = event_count - 2 then 'checkout'
            when buys and step = event_count - 3 then 'add_to_cart'
            when step = 0 and dice(i, 'home') < 0.6 then 'home'
            else ['list', 'list', 'search', 'product_view', 'product_view', 'product_view', 'product_view', 'add_to_cart', 'favourite', 'other'][
                1 + cast(floor(10 * dice(i || '.' || step, 'kind')) as integer)]
        end as event_type
    from steps
),
timed as (
    select
        *,
        started_at + to_seconds(
            pace * case when is_jumbled then cast(floor(event_count * dice(event, 'jumble')) as bigint) else step end
        ) as occurred_at
    from told
),
-- a page of thanks that is loaded twice tells of the purchase twice
again as (
    select * from timed
    union all by name
    select * replace (event || '.again' as event, occurred_at + interval 40 second as occurred_at)
    from timed
    where event_type = 'purchase' and dice(event, 'again') < 0.01
)
select
    key_of(event, 'event') as event_id,
    strftime(occurred_at, '%Y-%m-%d %H:%M:%S') as occurred_at,
    event_type,
    'web' as platform,
    shop_id,
    key_of(visitor, 'visitor') as visitor_id,
    case
        when dice(visitor, 'member') < 0.15 or (buys and event_type = 'purchase')
            then 'C' || visitor // 2
    end as customer_id,
    case when event_type in ('product_view', 'add_to_cart') then 'P' || cast(floor(2000 * dice(event, 'product')) as integer) end as product_id,
    case when event_type = 'purchase' then key_of(i, 'order') end as order_id,
    case when tag < 5 then ['google', 'meta', 'newsletter', 'tiktok', 'bing'][tag + 1] end as utm_source,
    case when tag < 5 then ['cpc', 'paid_social', 'email', 'paid_social', 'organic'][tag + 1] end as utm_medium,
    case when tag in (0, 1, 3) then 'campaign_' || campaign end as utm_campaign,
    case when tag = 5 then 'https://blog.example/post/1' end as referrer,
    device,
    region,
    -- where a file has it: the next one has what came late and tells some rows again
    occurred_at as told_at,
    dice(event, 'late') < 0.02 as is_late,
    dice(event, 'repeated') < 0.005 as is_repeated
from again
where occurred_at < date '{end_day}';

create or replace table orders as
with bought as (
    select i, 'web' as platform, shop_id, 'C' || visitor // 2 as customer, region,
        started_at + to_seconds(pace * event_count + 5) as bought_at, key_of(i, 'order') as order_id
    from sessions
    where buys
    union all
    select {period} * {market_orders} + n as i, 'market' as platform, 'market-1' as shop_id,
        'M' || cast(floor(({period} + 1) * {market_orders} * 0.7 * sqrt(dice(i, 'buyer'))) as bigint) as customer,
        'Region ' || cast(floor(31 * dice(i, 'region')) as integer) as region,
        timestamp '{first_day}' + to_days(cast(floor({days} * dice(i, 'market')) as integer))
        + to_seconds(clock(i, 'sale')) as bought_at,
        key_of(i, 'market') as order_id
    from range({market_orders}) as numbers (n)
)
select
    *,
    case when dice(order_id, 'unpaid') < 0.03 then 'closed' else 'paid' end as status,
    case when dice(order_id, 'guest') < 0.04 then null else customer end as customer_id,
    1 + cast(floor(3 * dice(order_id, 'lines')) as integer) as line_count,
    dice(order_id, 'changed') < 0.02 as is_changed
from bought
where bought_at < date '{end_day}';

create or replace table lines as
select
    order_id,
    platform,
    line_number,
    'P' || cast(floor(2000 * dice(line, 'bought')) as integer) as product_id,
    'Category ' || cast(floor(12 * dice(line, 'category')) as integer) as category,
    1 + cast(floor(1.4 * dice(line, 'pieces')) as integer) as quantity,
    cast(5 + 200 * dice(line, 'price') as decimal(18, 2)) as unit_price,
    cast(4 * dice(line, 'discount') as decimal(18, 2)) as discount_amount,
    cast(2 + 80 * dice(line, 'price') as decimal(18, 2)) as cost_amount,
    line_number > 1 and dice(line, 'gift') < 0.05 as is_gift
from (
    select *, order_id || '.' || line_number as line
    from (select order_id, platform, unnest(range(1, line_count + 1)) as line_number from orders)
);

-- told in the file of the day on which the money went back
create table if not exists refunds as
select '' as refund_id, uuid() as order_id, '' as platform, now()::timestamp as refunded_at, 0.00::decimal(18, 2) as amount, '' as kind limit 0;
insert into refunds
select
    'R' || orders.order_id as refund_id,
    orders.order_id,
    orders.platform,
    orders.bought_at + to_seconds(cast(20 * 86400 * dice(orders.order_id, 'back') as bigint)) as refunded_at,
    worth.goods_amount as amount,
    if(dice(orders.order_id, 'kind') < 0.5, 'return', 'refund_only') as kind
from orders
inner join (
    select order_id, sum(quantity * unit_price - discount_amount) as goods_amount
    from lines where not is_gift group by order_id
) as worth on orders.order_id = worth.order_id
where orders.status = 'paid' and dice(orders.order_id, 'refunded') < 0.06 and refunded_at < date '{end_day}';
