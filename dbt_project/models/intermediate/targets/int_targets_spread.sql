with

planned as (
    select * from {{ ref('int_targets_planned') }}
),

weights as (
    select * from {{ ref('int_target_weights') }}
),

day_plans as (
    select * from planned
    where period = 'day'
),

month_plans as (
    select * from planned
    where period = 'month'
),

-- a day is planned by itself, or has a part of what a month leaves for its other days; parts of
-- the company follow its own days where these are all planned
weighed as (
    select
        weights.month_start,
        weights.business_date,
        month_plans.metric,
        month_plans.dimension,
        month_plans.segment,
        month_plans.value as month_value,
        own.value as own_value,
        case
            when own.value is not null then 0
            when count(company.value) over months = count(*) over months then company.value
            else weights.weight
        end as weight
    from month_plans
    inner join weights on month_plans.period_start = weights.month_start
    left join day_plans as own
        on
            weights.business_date = own.period_start
            and month_plans.metric = own.metric
            and month_plans.dimension = own.dimension
            and month_plans.segment = own.segment
    left join day_plans as company
        on
            weights.business_date = company.period_start
            and month_plans.metric = company.metric
            and company.dimension = 'all'
    window
        months as (
            partition by
                weights.month_start, month_plans.metric, month_plans.dimension,
                month_plans.segment
        )
),

final as (
    select
        business_date,
        metric,
        dimension,
        segment,
        month_value,
        own_value is null as is_spread,
        coalesce(
            cast(own_value as double),
            cast(greatest(month_value - coalesce(sum(own_value) over months, 0), 0) as double)
            * coalesce(
                {{ ratio('weight', 'sum(weight) over months') }},
                {{ ratio('1', 'count(case when own_value is null then 1 end) over months') }}
            )
        ) as target
    from weighed
    window
        months as (
            partition by date_trunc('month', business_date), metric, dimension, segment
        )
    union all
    -- days that no month plans
    select
        day_plans.period_start as business_date,
        day_plans.metric,
        day_plans.dimension,
        day_plans.segment,
        null as month_value,
        false as is_spread,
        cast(day_plans.value as double) as target
    from day_plans
    left join month_plans
        on
            date_trunc('month', day_plans.period_start) = month_plans.period_start
            and day_plans.metric = month_plans.metric
            and day_plans.dimension = month_plans.dimension
            and day_plans.segment = month_plans.segment
    where month_plans.period_start is null
)

select * from final
