with cells as (
    select * from {{ ref('int_gmv_cells') }}
),

period_days as (
    select * from {{ ref('int_calendar_periods') }}
),

periods as (
    select distinct
        grain,
        period_start,
        is_complete
    from period_days
),

-- every period has a company row, also where nothing happened
present as (
    select
        grain,
        period_start,
        dimension,
        segment
    from cells
    union
    select
        grain,
        period_start,
        'all' as dimension,
        'all' as segment
    from periods
),

summed as (
    select
        present.grain,
        present.period_start,
        present.dimension,
        present.segment,
        cast(
            coalesce(sum(cells.visitors), case when present.grain = 'day' then 0 end) as bigint
        ) as visitors,
        cast(coalesce(sum(cells.tracked_buyers), 0) as bigint) as tracked_buyers,
        cast(coalesce(sum(cells.untracked_buyers), 0) as bigint) as untracked_buyers,
        cast(coalesce(sum(cells.buyers), 0) as bigint) as buyers,
        cast(coalesce(sum(cells.identified_orders), 0) as bigint) as identified_orders,
        cast(coalesce(sum(cells.anonymous_orders), 0) as bigint) as anonymous_orders,
        cast(coalesce(sum(cells.orders), 0) as bigint) as orders,
        cast(coalesce(sum(cells.units), 0) as bigint) as units,
        cast(coalesce(sum(cells.new_buyers), 0) as bigint) as new_buyers,
        cast(coalesce(sum(cells.repeat_buyers), 0) as bigint) as repeat_buyers,
        cast(coalesce(sum(cells.gmv), 0) as decimal(18, 2)) as gmv,
        cast(coalesce(sum(cells.net_sales), 0) as decimal(18, 2)) as net_sales,
        cast(coalesce(sum(cells.net_sales_by_order_date), 0) as decimal(18, 2))
            as net_sales_by_order_date
    from present
    left join cells
        on
            present.grain = cells.grain
            and present.period_start = cells.period_start
            and present.dimension = cells.dimension
            and present.segment = cells.segment
    group by present.grain, present.period_start, present.dimension, present.segment
),

-- days with visitors of each platform whose visitors of the period are known
covered as (
    select
        period_days.grain,
        period_days.period_start,
        days.platform,
        count(*) as day_count
    from period_days
    inner join cells as days on period_days.business_date = days.period_start
    inner join cells as whole
        on
            period_days.grain = whole.grain
            and period_days.period_start = whole.period_start
            and days.platform = whole.platform
            and days.dimension = whole.dimension
    where
        days.grain = 'day'
        and days.dimension = 'all'
        and days.visitors > 0
        and whole.visitors is not null
    group by period_days.grain, period_days.period_start, days.platform
),

coverage as (
    select
        grain,
        period_start,
        coalesce(platform, 'all') as platform,
        min(day_count) as visitors_day_count
    from covered
    group by grouping sets ((grain, period_start), (grain, period_start, platform))
),

final as (
    select
        summed.*,
        {{ ratio('tracked_buyers', 'visitors') }} as conversion_rate,
        {{ ratio('identified_orders', 'buyers') }} as orders_per_buyer,
        {{ ratio('gmv', 'orders') }} as aov,
        {{ ratio('gmv', 'buyers') }} as gmv_per_buyer,
        {{ ratio('repeat_buyers', 'buyers') }} as repeat_purchase_rate,
        periods.is_complete,
        case when summed.visitors is not null then coalesce(coverage.visitors_day_count, 0) end
            as visitors_day_count
    from summed
    inner join periods
        on summed.grain = periods.grain and summed.period_start = periods.period_start
    left join coverage
        on
            summed.grain = coverage.grain
            and summed.period_start = coverage.period_start
            and case when summed.dimension = 'platform' then summed.segment else 'all' end
            = coverage.platform
)

select * from final
