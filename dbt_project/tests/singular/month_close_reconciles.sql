-- By platform over all months: what closed months have adjusted is what later ones have taken, and
-- sales less refunds, adjustments included, are the net sales by order date of fct_gmv_daily.
with months as (
    select
        platform,
        sum(adjusted_net_amount) as net_amount,
        sum(adjustment_amount) as adjustment_amount,
        sum(taken_adjustment_amount) as taken_amount
    from {{ ref('fct_month_close') }}
    group by platform
),

daily as (
    select
        segment as platform,
        sum(net_sales_by_order_date) as net_amount
    from {{ ref('fct_gmv_daily') }}
    where dimension = 'platform'
    group by segment
)

select
    months.platform,
    months.net_amount,
    daily.net_amount as daily_amount
from months
inner join daily on months.platform = daily.platform
where
    months.net_amount != daily.net_amount
    or months.adjustment_amount != months.taken_amount
