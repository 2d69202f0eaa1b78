-- Weeks and months: orders and amounts are sums of their days, in every segment that an order
-- keeps; visitors and buyers are the distinct ones of the period, counted by the shortest way.
{% set built_of = ['fct_orders', 'int_sessions_built', 'stg_raw__refunds'] %}
with touched as (
    select distinct
        grain,
        period_start
    from {{ ref('int_calendar_periods') }}
    where {{ only_tested_days('business_date', built_of) }}
),

weeks_touched as (
    select period_start from touched
    where grain = 'week'
),

months_touched as (
    select period_start from touched
    where grain = 'month'
),

periods as (
    select periods.*
    from {{ ref('int_calendar_periods') }} as periods
    inner join touched
        on periods.grain = touched.grain and periods.period_start = touched.period_start
    where periods.grain != 'day'
),

lost as (
    select distinct period_start as business_date from {{ ref('int_gmv_known') }}
    where grain = 'day' and has_sold and not is_sales_known
),

daily as (
    select
        daily.*,
        lost.business_date is not null as is_lost
    from {{ ref('fct_gmv_daily') }} as daily
    left join lost on daily.business_date = lost.business_date
),

longer as (
    select
        'week' as grain,
        *
    from {{ ref('fct_gmv_weekly') }}
    where period_start in (select period_start from weeks_touched)
    union all
    select
        'month' as grain,
        *
    from {{ ref('fct_gmv_monthly') }}
    where period_start in (select period_start from months_touched)
),

both_sides as (
    select
        periods.grain,
        periods.period_start,
        daily.dimension,
        daily.segment,
        daily.orders,
        daily.units,
        daily.gmv,
        daily.net_sales,
        daily.net_sales_by_order_date,
        daily.is_lost
    from daily
    inner join periods on daily.business_date = periods.business_date
    union all
    select
        grain,
        period_start,
        dimension,
        segment,
        -orders as orders,
        -units as units,
        -gmv as gmv,
        -net_sales as net_sales,
        -net_sales_by_order_date as net_sales_by_order_date,
        false as is_lost
    from longer
),

people as (
    select
        business_date,
        platform,
        visitor_key,
        null as customer_key
    from {{ ref('fct_sessions') }}
    union all
    select
        business_date,
        platform,
        null as visitor_key,
        customer_key
    from {{ ref('fct_orders') }}
    where is_paid
),

counted as (
    select
        periods.grain,
        periods.period_start,
        people.platform,
        count(distinct people.visitor_key) as visitors,
        count(distinct people.customer_key) as buyers
    from people
    inner join periods on people.business_date = periods.business_date
    group by periods.grain, periods.period_start, people.platform
),

final as (
    select
        grain,
        period_start,
        dimension,
        segment
    from both_sides
    where dimension != 'customer_type'
    group by grain, period_start, dimension, segment
    having
        sum(orders) != 0
        or sum(units) != 0
        or sum(gmv) != 0
        -- of a longer period they are not known where they are not of all that sell in it, and it
        -- has refunds of days whose orders are lost
        or (
            sum(net_sales) != 0
            and bool_and(net_sales is not null or (gmv is null and not is_lost))
        )
        or (
            sum(net_sales_by_order_date) != 0
            and bool_and(
                net_sales_by_order_date is not null or (gmv is null and not is_lost)
            )
        )
    union all
    select
        coalesce(counted.grain, longer.grain) as grain,
        coalesce(counted.period_start, longer.period_start) as period_start,
        'platform' as dimension,
        coalesce(counted.platform, longer.segment) as segment
    from counted
    full join longer
        on
            counted.grain = longer.grain
            and counted.period_start = longer.period_start
            and counted.platform = longer.segment
            and longer.dimension = 'platform'
    where
        coalesce(longer.dimension, 'platform') = 'platform'
        and (
            coalesce(counted.visitors, 0) != coalesce(longer.visitors, 0)
            or coalesce(counted.buyers, 0) != coalesce(longer.buyers, 0)
        )
)

select * from final
