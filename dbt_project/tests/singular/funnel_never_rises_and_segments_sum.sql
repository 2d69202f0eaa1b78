-- In order no step has more than the step before it; segments of a dimension sum to the whole.
with

steps as (
    select
        *,
        lag(entered_count) over (
            partition by business_date, basis, dimension, segment
            order by step_number
        ) as previous_count
    from {{ ref('fct_funnel_daily') }}
),

sums as (
    select
        business_date,
        basis,
        step_number,
        dimension,
        sum(entered_count) as entered_count,
        sum(reached_count) as reached_count,
        sum(direct_count) as direct_count,
        sum(attempt_count) as attempt_count
    from steps
    group by business_date, basis, step_number, dimension
),

final as (
    select
        business_date,
        basis,
        dimension,
        step_number
    from steps
    where entered_count > previous_count
    union all
    select
        sums.business_date,
        sums.basis,
        sums.dimension,
        sums.step_number
    from sums
    inner join sums as whole
        on
            sums.business_date = whole.business_date
            and sums.basis = whole.basis
            and sums.step_number = whole.step_number
            and whole.dimension = 'all'
    where
        sums.entered_count <> whole.entered_count
        or sums.reached_count <> whole.reached_count
        or sums.direct_count <> whole.direct_count
        or sums.attempt_count <> whole.attempt_count
)

select * from final
