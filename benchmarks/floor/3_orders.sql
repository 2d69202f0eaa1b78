-- What each order is worth in goods: its amount shared over the lines by largest remainder.
create or replace table line_values as
with weighed as (
    select
        lines.*,
        cast(orders.order_amount * 100 as bigint) as cents,
        if(is_gift, 0, cast(round(quantity * unit_price * 100) - round(coalesce(discount_amount, 0) * 100) as bigint)) as weight,
        sum(weight) over (partition by lines.source, lines.order_id) as total
    from lines
    inner join orders using (source, order_id)
),
floored as (
    select *, if(total > 0, cents * weight // total, 0) as least, if(total > 0, cents * weight % total, 0) as remainder
    from weighed
)
select
    *,
    coalesce(
        least + if(
            row_number() over (partition by source, order_id order by remainder desc, weight desc, line_number)
            <= cents - sum(least) over (partition by source, order_id), 1, 0
        ),
        weight
    ) as value
from floored;

create or replace table worth as
with goods as (
    select
        source,
        order_id,
        sum(value) filter (where is_goods) as goods,
        sum(quantity) filter (where is_goods and not is_gift) as units
    from line_values
    group by source, order_id
)
select
    orders.source,
    orders.order_id,
    coalesce(goods.goods, cast(orders.order_amount * 100 as bigint)) as goods,
    -- of an order whose lines are not there the pieces are not known
    if(goods.order_id is null, null, coalesce(goods.units, 0)) as units
from orders
left join goods using (source, order_id);

-- What goes back is goods as far as it is said, else as far as the product named cost.
create or replace table given_back as
with said as (
    select
        refunds.source,
        refunds.order_id,
        refunds.refund_id,
        refunds.refunded_at,
        worth.goods,
        cast(100 * coalesce(
            refunds.goods_amount,
            refunds.amount - refunds.other_amount,
            least(refunds.amount, priced.amount),
            refunds.amount
        ) as bigint) as back
    from refunds
    inner join worth using (source, order_id)
    left join (
        select source, order_id, product_id, cast(sum(if(is_goods, value, 0)) as decimal(18, 2)) / 100 as amount
        from line_values
        group by all
    ) as priced using (source, order_id, product_id)
    where refunds.status = 'succeeded'
),
so_far as (
    select *, sum(back) over (partition by source, order_id order by refunded_at, refund_id) as through from said
)
select
    source,
    order_id,
    local_date(refunded_at) as refund_date,
    least(through, goods) - least(through - back, goods) as goods
from so_far;

create or replace table valued as
select
    orders.source,
    orders.order_id,
    dense_platform as platform,
    dense_shop as shop,
    cast(orders.customer_key as uuid) as customer,
    orders.paid_at,
    orders.paid_at is not null and orders.status not in ('unpaid', 'deposit_paid') as is_paid,
    if(is_paid, orders.paid_at, orders.ordered_at) as bought_at,
    local_date(orders.ordered_at) as order_date,
    if(is_paid, local_date(orders.paid_at), null) as day,
    orders.channel,
    orders.device,
    orders.region,
    worth.goods as placed,
    if(is_paid, worth.goods, 0) as paid,
    if(is_paid, worth.units, 0) as units,
    coalesce(back.goods, 0) as refunded
from orders
inner join worth using (source, order_id)
inner join shops using (platform, shop_id)
left join (select source, order_id, sum(goods) as goods from given_back group by all) as back using (source, order_id);

create or replace table purchases as
select shop, order_id, person, visitor, occurred_at, event_id
from events
where event_type = 'purchase' and order_id is not null;

-- Whom events call by another name than orders is the customer of most of his orders.
create or replace table same_person as
with buyers as (select distinct platform, customer from valued where customer is not null),
told as (
    select valued.platform, purchases.person, valued.customer, count(distinct valued.order_id) as orders
    from purchases
    inner join valued using (shop, order_id)
    anti join buyers on valued.platform = buyers.platform and purchases.person = buyers.customer
    where purchases.person is not null and valued.customer is not null
    group by all
)
select platform, person, any_value(customer) as customer
from (from told qualify rank() over (partition by platform, person order by orders desc) = 1)
group by platform, person
having count(*) = 1;

update sessions set customer = person where person is not null;

update sessions
set customer = same_person.customer
from same_person
where sessions.platform = same_person.platform and sessions.person = same_person.person;

-- The session that led to an order: the last before it of the visitor who bought, else of the customer.
create or replace table links as
with buying as (
    select valued.source, valued.order_id, min({{'at': occurred_at, 'id': event_id, 'visitor': visitor}}).visitor as visitor
    from valued
    inner join purchases using (shop, order_id)
    where purchases.visitor is not null and purchases.occurred_at <= valued.bought_at + interval 1 day
    group by all
),
of_visitor as (
    select valued.source, valued.order_id, sessions.session_id
    from (from valued inner join buying using (source, order_id)) as valued
    asof join sessions
        on valued.shop = sessions.shop and valued.visitor = sessions.visitor and valued.bought_at >= sessions.started_at
    where sessions.started_at >= valued.bought_at - interval 30 day
),
of_customer as (
    select valued.source, valued.order_id, sessions.session_id
    from valued
    inner join sessions
        on
            valued.shop = sessions.shop and valued.customer = sessions.customer
            and sessions.started_at <= valued.bought_at and sessions.started_at >= valued.bought_at - interval 30 day
    anti join of_visitor on valued.source = of_visitor.source and valued.order_id = of_visitor.order_id
    qualify row_number() over (
        partition by valued.source, valued.order_id order by sessions.started_at desc, sessions.session_id
    ) = 1
)
from of_visitor union all from of_customer;

create or replace table sold as
select
    valued.* exclude (channel, device, region),
    sessions.session_id,
    sessions.visitor,
    sessions.campaign,
    coalesce(valued.channel, sessions.channel, '(untracked)') as channel,
    coalesce(valued.device, sessions.device, '(untracked)') as device,
    coalesce(valued.region, sessions.region, '(untracked)') as region,
    if(
        is_paid and valued.customer is not null,
        row_number() over (partition by is_paid, valued.customer order by paid_at, order_id, source), null
    ) as order_number
from valued
left join links using (source, order_id)
left join sessions using (session_id);

create or replace table fct_orders as
select
    source, order_id, replace(cast(customer as varchar), '-', '') as customer_key, channel, device, region, session_id,
    order_date, day as business_date, is_paid, placed / 100 as placed_amount, paid / 100 as paid_amount,
    refunded / 100 as refunded_amount, units, order_number
from sold;

create or replace table fct_sessions as
select
    session_id, replace(cast(visitor as varchar), '-', '') as visitor_key,
    replace(cast(customer as varchar), '-', '') as customer_key, started_at, ended_at, day as business_date, channel,
    campaign, device, region, event_count, t2 is not null as has_product_view, t3 is not null as has_add_to_cart,
    t4 is not null as has_checkout, t5 is not null as has_purchase
from sessions;
