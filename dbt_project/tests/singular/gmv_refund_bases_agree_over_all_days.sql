-- Net sales by refund date and by order date differ from day to day and not in total, where they
-- are known of all days.
select sum(net_sales - net_sales_by_order_date) as difference
from {{ ref('fct_gmv_daily') }}
where dimension = 'all'
having
    sum(net_sales) != sum(net_sales_by_order_date)
    and count(*) filter (where net_sales is null and gmv is not null) = 0
