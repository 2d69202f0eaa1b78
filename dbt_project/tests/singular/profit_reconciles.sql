-- By platform over all days: gmv and refunds are those of fct_gmv_daily, CM1 that of the orders'
-- own margins where each is known, costs of orders what staging has of orders that are found, and
-- advertising the spend of staging.
with profit as (
    select
        platform,
        sum(gmv) as gmv,
        sum(gmv - refunded_amount) as net_sales,
        case when count(*) = count(cm1_amount) then sum(cm1_amount) end as cm1_amount
    from {{ ref('fct_profit_daily') }}
    group by platform
),

-- what reports tell, without the share of sales that shop.yml tells where none does
advertised as (
    select
        platform,
        sum(advertising_amount) as amount
    from {{ ref('int_profit_cells') }}
    group by platform
),

sales as (
    select
        segment as platform,
        sum(gmv) as gmv,
        sum(net_sales) as net_sales
    from {{ ref('fct_gmv_daily') }}
    where dimension = 'platform'
    group by segment
),

margins as (
    select
        platform,
        case when count(*) = count(margin_amount) then sum(margin_amount) end as margin_amount
    from {{ ref('int_order_margins') }}
    group by platform
),

spend as (
    select
        platform,
        sum(cost) as cost
    from {{ ref('stg_raw__campaign_spend') }}
    group by platform
),

booked as (
    select
        kind,
        sum(amount) as amount
    from {{ ref('int_order_bookings') }}
    where kind not in ('due', 'settled')
    group by kind
),

entered as (
    select
        measure as kind,
        sum(amount) as amount
    from {{ ref('int_profit_entries') }}
    group by measure
)

select
    profit.platform as subject,
    profit.gmv as amount,
    sales.gmv as other_amount
from profit
inner join sales on profit.platform = sales.platform
left join margins on profit.platform = margins.platform
left join spend on profit.platform = spend.platform
left join advertised on profit.platform = advertised.platform
where
    profit.gmv != sales.gmv
    or profit.net_sales != sales.net_sales
    or profit.cm1_amount != margins.margin_amount
    or coalesce(advertised.amount, 0) != coalesce(spend.cost, 0)
union all
select
    booked.kind as subject,
    booked.amount,
    entered.amount as other_amount
from booked
left join entered on booked.kind = entered.kind
where booked.amount is distinct from entered.amount
