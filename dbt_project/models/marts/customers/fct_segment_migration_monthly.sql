{{ replace(
    rows='day', day='month_start', order_by=['month_start'],
    affected={
        'int_customers_scored': [0, 0, 28, 29, 30, 31], 'int_calendar_days': [-30, 31]
    }
) }}

with

scores as (
    select * from {{ ref('int_customers_scored') }}
    where {{ only_affected_days('month_start', before=31) }}
),

segments as (
    select * from {{ ref('rfm_segments') }}
),

months as (
    select
        period_start as month_start,
        min(period_start - 1) as day_before
    from {{ ref('int_calendar_periods') }}
    where grain = 'month' and {{ only_affected_days('period_start') }}
    group by period_start
),

first_month as (
    select min(period_start) as month_start
    from {{ ref('int_calendar_periods') }}
    where grain = 'month'
),

placed as (
    select
        scores.month_start,
        scores.as_of_date,
        scores.customer_key,
        segments.rfm_segment
    from scores
    inner join segments
        on
            scores.r_score = segments.r_score
            and scores.f_score = segments.f_score
            and scores.m_score = segments.m_score
),

-- where each customer of either month stands in both
sides as (
    select
        months.month_start,
        placed.customer_key,
        placed.rfm_segment as from_segment,
        null as to_segment
    from placed
    inner join months on placed.as_of_date = months.day_before
    union all
    select
        months.month_start,
        placed.customer_key,
        null as from_segment,
        placed.rfm_segment as to_segment
    from placed
    inner join months on placed.month_start = months.month_start
    cross join first_month
    where months.month_start > first_month.month_start
),

moved as (
    select
        month_start,
        customer_key,
        coalesce(max(from_segment), '(none)') as from_segment,
        coalesce(max(to_segment), '(none)') as to_segment
    from sides
    group by month_start, customer_key
),

counted as (
    select
        month_start,
        from_segment,
        to_segment,
        cast(count(*) as bigint) as customers
    from moved
    group by month_start, from_segment, to_segment
),

final as (
    select
        month_start,
        from_segment,
        to_segment,
        customers,
        {{ ratio('customers', 'sum(customers) over (partition by month_start, from_segment)') }}
            as migration_rate
    from counted
)

select * from final
