with

targets as (
    select * from {{ ref('stg_raw__targets') }}
),

budgets as (
    select * from {{ ref('stg_raw__budgets') }}
),

-- of a platform whose budget stands beside those of its campaigns it is the whole
platform_budgets as (
    select
        month,
        platform,
        coalesce(
            sum(case when campaign is null then budget_amount end), sum(budget_amount)
        ) as budget_amount
    from budgets
    group by month, platform
),

-- budgets of advertising are plans of its cost
budgeted as (
    select
        month as period_start,
        'all' as dimension,
        'all' as segment,
        sum(budget_amount) as value
    from platform_budgets
    group by month
    union all
    select
        month as period_start,
        'platform' as dimension,
        platform as segment,
        budget_amount as value
    from platform_budgets
    union all
    select
        month as period_start,
        'campaign' as dimension,
        campaign as segment,
        sum(budget_amount) as value
    from budgets
    where campaign is not null
    group by month, campaign
),

-- of two sources that plan the same the later one counts
final as (
    select
        period,
        period_start,
        metric,
        dimension,
        segment,
        cast(value as decimal(38, 12)) as value
    from targets
    qualify
        row_number() over (
            partition by period, period_start, metric, dimension, segment
            order by _version_at desc, source asc, _batch_id asc
        ) = 1
    union all
    select
        'month' as period,
        period_start,
        'cost' as metric,
        dimension,
        segment,
        cast(value as decimal(38, 12)) as value
    from budgeted
)

select * from final
