-- Within a dimension gmv, orders, buyers, visitors and net sales sum to the company, day by day;
-- net sales where no platform's orders are lost, whose refunds only the company has.
with company as (
    select * from {{ ref('fct_gmv_daily') }}
    where dimension = 'all'
),

dimensions as (
    select distinct dimension from {{ ref('fct_gmv_daily') }}
    where dimension != 'all'
),

lost as (
    select distinct period_start as business_date from {{ ref('int_gmv_known') }}
    where grain = 'day' and has_sold and not is_sales_known
),

segments as (
    select
        business_date,
        dimension,
        sum(gmv) as gmv,
        sum(net_sales) as net_sales,
        sum(orders) as orders,
        sum(buyers) as buyers,
        sum(visitors) as visitors
    from {{ ref('fct_gmv_daily') }}
    where dimension != 'all'
    group by business_date, dimension
)

select
    company.business_date,
    dimensions.dimension
from company
cross join dimensions
left join segments
    on
        company.business_date = segments.business_date
        and dimensions.dimension = segments.dimension
where
    company.gmv != coalesce(segments.gmv, 0)
    or (
        company.net_sales != coalesce(segments.net_sales, 0)
        and company.business_date not in (select lost.business_date from lost)
    )
    or company.orders != coalesce(segments.orders, 0)
    or company.buyers != coalesce(segments.buyers, 0)
    or company.visitors != coalesce(segments.visitors, 0)
