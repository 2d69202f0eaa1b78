-- Segments of a month hold every paid order of it once; of each segment of the month before all
-- customers are somewhere; on the last day active are those who bought within the window.
with

sold as (
    select
        cast(date_trunc('month', business_date) as date) as month_start,
        count(*) as orders,
        sum(paid_amount) as gmv
    from {{ ref('fct_orders') }}
    where is_paid
    group by cast(date_trunc('month', business_date) as date)
),

segments as (
    select
        month_start,
        sum(orders) as orders,
        sum(gmv) as gmv
    from {{ ref('fct_segments_monthly') }}
    group by month_start
),

moved as (
    select
        month_start,
        from_segment,
        sum(customers) as customers,
        sum(migration_rate) as rate
    from {{ ref('fct_segment_migration_monthly') }}
    group by month_start, from_segment
),

stood as (
    select
        moved.month_start,
        moved.customers,
        befores.customers as stood
    from moved
    inner join {{ ref('fct_segments_monthly') }} as befores
        on
            moved.from_segment = befores.rfm_segment
            and moved.month_start - 1 = befores.as_of_date
    where moved.from_segment != '(none)'
),

active as (
    select
        business_date,
        max(window_days) as window_days,
        sum(member_count) as members
    from {{ ref('fct_lifecycle_daily') }}
    where kind = 'purchase' and stage != 'churned'
    group by business_date
),

bought as (
    select
        active.business_date,
        active.members,
        count(distinct orders.customer_key) as customers
    from active
    left join {{ ref('fct_orders') }} as orders
        on
            orders.is_paid
            and active.business_date >= orders.business_date
            and active.business_date - active.window_days <= orders.business_date
    where active.business_date = (select max(days.business_date) from active as days)
    group by active.business_date, active.members
),

final as (
    select sold.month_start as day
    from sold
    left join segments on sold.month_start = segments.month_start
    where coalesce(segments.orders, 0) != sold.orders or coalesce(segments.gmv, 0) != sold.gmv
    union all
    select month_start as day
    from moved
    where abs(rate - 1) > 1e-9
    union all
    select month_start as day
    from stood
    where customers != stood
    union all
    select business_date as day
    from bought
    where members != customers
)

select * from final
