-- Unbounded retention never rises with time and is never below classic; segments sum to all.
with

cells as (
    select
        kind,
        retention_type,
        dimension,
        segment,
        period_number,
        cohort_size,
        retained_count,
        revenue,
        cast(cohort_date as string) || ' day' as cohort
    from {{ ref('fct_retention_daily') }}
    where period_number in (0, 1, 7, 30, 180)
    union all
    select
        kind,
        retention_type,
        dimension,
        segment,
        period_number,
        cohort_size,
        retained_count,
        revenue,
        cast(cohort_month as string) || ' month' as cohort
    from {{ ref('fct_retention_monthly') }}
),

unbounded as (
    select
        *,
        lag(retained_count) over (
            partition by cohort, kind, dimension, segment
            order by period_number
        ) as previous_count
    from cells
    where retention_type = 'unbounded'
),

sums as (
    select
        cohort,
        kind,
        retention_type,
        dimension,
        period_number,
        sum(cohort_size) as cohort_size,
        sum(retained_count) as retained_count,
        sum(revenue) as revenue,
        bool_and(retained_count is not null) as is_whole
    from cells
    group by cohort, kind, retention_type, dimension, period_number
),

final as (
    select
        unbounded.cohort,
        unbounded.kind,
        unbounded.dimension,
        unbounded.period_number
    from unbounded
    inner join cells as classic
        on
            unbounded.cohort = classic.cohort
            and unbounded.kind = classic.kind
            and unbounded.dimension = classic.dimension
            and unbounded.segment = classic.segment
            and unbounded.period_number = classic.period_number
            and classic.retention_type = 'classic'
    where
        unbounded.retained_count > unbounded.previous_count
        or unbounded.retained_count < classic.retained_count
    union all
    select
        sums.cohort,
        sums.kind,
        sums.dimension,
        sums.period_number
    from sums
    inner join sums as whole
        on
            sums.cohort = whole.cohort
            and sums.kind = whole.kind
            and sums.retention_type = whole.retention_type
            and sums.period_number = whole.period_number
            and whole.dimension = 'all'
    where
        sums.cohort_size != whole.cohort_size
        or sums.is_whole and whole.is_whole
        and (sums.retained_count != whole.retained_count or sums.revenue != whole.revenue)
)

select * from final
