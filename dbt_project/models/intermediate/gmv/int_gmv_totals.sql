{% set counts = [
    'tracked_buyers', 'untracked_buyers', 'buyers', 'identified_orders', 'anonymous_orders',
    'orders', 'units', 'new_buyers', 'repeat_buyers'
] %}
{% set nothing -%}
    case
        when
            present.dimension = 'all' and bool_or(known.is_sales_known) and count(cells.gmv) = 0
            then 0
    end
{%- endset %}
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

platforms as (
    select * from {{ ref('int_gmv_known') }}
),

known as (
    select
        grain,
        period_start,
        bool_or(is_sales_known) as is_sales_known,
        -- what is left after refunds is known where all that sell tell them
        bool_and(is_refunds_known or not is_sales_known) as is_refunds_known,
        bool_or(is_traffic_known) as is_traffic_known
    from platforms
    group by grain, period_start
),

-- every period has a company row, also where nothing happened, and every platform one whose sales
-- were lost
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
    union
    select
        grain,
        period_start,
        'platform' as dimension,
        platform as segment
    from platforms
    where has_sold and not is_sales_known
),

summed as (
    select
        present.grain,
        present.period_start,
        present.dimension,
        present.segment,
        {% for name in counts %}
            cast(coalesce(sum(cells.{{ name }}), {{ nothing }}) as bigint) as {{ name }},
        {% endfor %}
        cast(coalesce(sum(cells.gmv), {{ nothing }}) as decimal(18, 2)) as gmv,
        {% for name in ['net_sales', 'net_sales_by_order_date'] %}
            case
                when
                    (present.dimension in ('platform', 'shop') or bool_or(known.is_refunds_known))
                    -- a refund on a day of which no order is known leaves nothing that is known
                    and coalesce(count(cells.gmv) > 0 or {{ nothing }} = 0, false)
                    then cast(coalesce(sum(cells.{{ name }}), {{ nothing }}) as decimal(18, 2))
            end as {{ name }},
        {% endfor %}
        cast(
            coalesce(
                sum(cells.visitors),
                case
                    when
                        present.grain = 'day' and present.dimension = 'all'
                        and bool_or(known.is_traffic_known)
                        then 0
                end
            ) as bigint
        ) as visitors
    from present
    left join cells
        on
            present.grain = cells.grain
            and present.period_start = cells.period_start
            and present.dimension = cells.dimension
            and present.segment = cells.segment
    left join known
        on present.grain = known.grain and present.period_start = known.period_start
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
