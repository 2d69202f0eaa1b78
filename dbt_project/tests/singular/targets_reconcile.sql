-- The days of a month sum to the target it was given, unless its own days are planned otherwise,
-- and what has been reached is what fct_gmv_daily sums to.
with months as (
    select
        date_trunc('month', business_date) as month_start,
        metric,
        dimension,
        segment,
        sum(target) as target,
        max(month_target) as month_target,
        sum(case when is_spread then 0 else target end) as given,
        bool_or(is_spread) as has_spread,
        sum(actual) as actual
    from {{ ref('fct_targets_daily') }}
    group by date_trunc('month', business_date), metric, dimension, segment
),

staged as (
    select
        period_start,
        metric,
        dimension,
        segment,
        max(value) as value
    from {{ ref('stg_raw__targets') }}
    where period = 'month'
    group by period_start, metric, dimension, segment
    having min(value) = max(value)
),

daily as (
    select
        date_trunc('month', business_date) as month_start,
        dimension,
        segment,
        sum(gmv) as gmv
    from {{ ref('fct_gmv_daily') }}
    group by date_trunc('month', business_date), dimension, segment
)

select months.*
from months
inner join staged
    on
        months.month_start = staged.period_start
        and months.metric = staged.metric
        and months.dimension = staged.dimension
        and months.segment = staged.segment
left join daily
    on
        months.month_start = daily.month_start
        and months.dimension = daily.dimension
        and months.segment = daily.segment
where
    abs(months.month_target - staged.value) > 0.000001
    or (
        months.has_spread
        and months.given <= staged.value
        and abs(months.target - staged.value) > 0.001
    )
    or (months.metric = 'gmv' and abs(months.actual - daily.gmv) > 0.001)
