-- The visits of the buyer in the 30 days before the payment, and what each is worth.
create or replace table touches as
with conversions as (
    select source, order_id, platform, customer, paid_at, paid_at - interval 30 day as opened_at, visitor, session_id
    from sold
    where is_paid
),
buyers as (
    select source, order_id, visitor from conversions where visitor is not null
    union
    select source, order_id, sessions.visitor
    from conversions
    inner join sessions
        on
            conversions.customer = sessions.customer and conversions.platform = sessions.platform
            and sessions.started_at between opened_at and paid_at
),
visits as (
    select
        source, order_id, started_at, sessions.session_id, channel, coalesce(campaign, '(none)') as campaign,
        row_number() over (partition by source, order_id order by started_at, sessions.session_id) as place,
        count(*) over (partition by source, order_id) as touches,
        pow(0.5, (epoch_us(paid_at) - epoch_us(started_at)) / (7 * 86400e6)) as weight
    from buyers
    inner join conversions using (source, order_id)
    inner join sessions
        on
            buyers.visitor = sessions.visitor and conversions.platform = sessions.platform
            and sessions.started_at between opened_at and paid_at
    where
        sessions.customer is null or conversions.customer is null or sessions.customer = conversions.customer
        or sessions.session_id = conversions.session_id
)
select
    source, order_id, channel, campaign,
    unnest(['first', 'last', 'last_non_direct', 'linear', 'position', 'time_decay']) as model,
    unnest([
        if(place = 1, 1, 0),
        if(place = touches, 1, 0),
        if(place = coalesce(max(if(channel <> 'direct', place, null)) over (partition by source, order_id), touches), 1, 0),
        1 / touches,
        case when touches <= 2 then 1 / touches when place in (1, touches) then 0.4 else 0.2 / (touches - 2) end,
        weight / sum(weight) over (partition by source, order_id)
    ]) as credit
from visits;

create or replace table fct_attribution_daily as
with entries as (
    select source, order_id, platform, day, 1 as orders, paid as amount from sold where is_paid
    union all
    select given_back.source, given_back.order_id, sold.platform, refund_date, 0, -goods
    from given_back inner join sold using (source, order_id)
    where is_paid
),
credited as (
    select day, platform, orders, amount, model, channel, campaign, credit from entries inner join touches using (source, order_id)
    union all
    select day, platform, orders, amount, unnest(['first', 'last', 'last_non_direct', 'linear', 'position', 'time_decay']),
        '(unattributed)', '(none)', 1
    from entries
    anti join touches using (source, order_id)
)
select
    day as business_date, named.platform, model, channel, campaign, sum(orders * credit) as credited_orders,
    sum(amount * credit) / 100 as credited_revenue
from credited
inner join (select distinct platform, dense_platform from shops) as named on credited.platform = dense_platform
where credit > 0
group by all;
