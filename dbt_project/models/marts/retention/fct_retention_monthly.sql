with periods as (
    select * from {{ ref('int_retention_periods') }}
    where grain = 'month'
),

final as (
    select
        cohort_start as cohort_month,
        kind,
        retention_type,
        dimension,
        segment,
        period_number,
        cohort_size,
        retained_count,
        {{ ratio('retained_count', 'cohort_size') }} as retention_rate,
        revenue,
        margin,
        gap_day_count
    from periods
)

select * from final
