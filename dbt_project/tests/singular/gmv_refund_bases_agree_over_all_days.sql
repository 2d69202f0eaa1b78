-- Net sales by refund date and by order date differ from day to day and not in total, where they
-- are known of all days on which anything is sold, or lost.
select sum(net_sales - net_sales_by_order_date) as difference
from {{ ref('fct_gmv_daily') }}
where
    dimension = 'all'
    and business_date >= (
        select min(known.business_date) from {{ ref('fct_gmv_daily') }} as known
        where known.dimension = 'all' and known.gmv is not null
    )
having
    sum(net_sales) != sum(net_sales_by_order_date)
    and count(*) filter (where net_sales is null) = 0
