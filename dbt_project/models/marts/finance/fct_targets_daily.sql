with

targets as (
    select * from {{ ref('int_targets_spread') }}
),

actuals as (
    select * from {{ ref('int_targets_met') }}
),

met as (
    select
        targets.*,
        actuals.actual,
        coalesce(targets.month_value, sum(cast(targets.target as decimal(38, 12))) over months)
            as month_target,
        case
            when count(actuals.actual) over to_date = count(*) over to_date
                then sum(actuals.actual) over to_date
        end as actual_so_far,
        sum(cast(targets.target as decimal(38, 12))) over to_date as target_so_far
    from targets
    left join actuals
        on
            targets.business_date = actuals.business_date
            and targets.metric = actuals.metric
            and targets.dimension = actuals.dimension
            and targets.segment = actuals.segment
    window
        months as (
            partition by
                date_trunc('month', targets.business_date), targets.metric, targets.dimension,
                targets.segment
        ),
        to_date as (
            partition by
                date_trunc('month', targets.business_date), targets.metric, targets.dimension,
                targets.segment
            order by targets.business_date
        )
),

final as (
    select
        business_date,
        metric,
        dimension,
        segment,
        target,
        is_spread,
        cast(actual as double) as actual,
        cast(target_so_far as double) as target_so_far,
        cast(actual_so_far as double) as actual_so_far,
        cast(month_target as double) as month_target,
        {{ ratio('actual', 'target') }} as attainment_rate,
        {{ ratio('actual_so_far', 'target_so_far') }} as attainment_so_far_rate,
        {{ ratio('actual_so_far', 'month_target') }} as month_attainment_rate
    from met
)

select * from final
