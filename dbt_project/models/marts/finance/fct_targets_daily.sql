{% set actuals = ['gmv', 'net_sales', 'orders', 'units', 'new_buyers'] %}
with

targets as (
    select * from {{ ref('stg_raw__targets') }}
),

budgets as (
    select * from {{ ref('stg_raw__budgets') }}
),

weights as (
    select * from {{ ref('int_target_weights') }}
),

daily as (
    select * from {{ ref('fct_gmv_daily') }}
),

spend as (
    select * from {{ ref('stg_raw__campaign_spend') }}
),

days as (
    select * from {{ ref('int_calendar_days') }}
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

-- of two sources that plan the same the later one counts
planned as (
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
        month as period_start,
        'cost' as metric,
        'all' as dimension,
        'all' as segment,
        cast(sum(budget_amount) as decimal(38, 12)) as value
    from platform_budgets
    group by month
    union all
    select
        'month' as period,
        month as period_start,
        'cost' as metric,
        'platform' as dimension,
        platform as segment,
        cast(budget_amount as decimal(38, 12)) as value
    from platform_budgets
    union all
    select
        'month' as period,
        month as period_start,
        'cost' as metric,
        'campaign' as dimension,
        campaign as segment,
        cast(sum(budget_amount) as decimal(38, 12)) as value
    from budgets
    where campaign is not null
    group by month, campaign
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

spread as (
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
),

-- spend of a platform is known from its first to its last day
told as (
    select
        platform,
        min(spend_date) as first_date,
        max(spend_date) as last_date
    from spend
    group by platform
),

spent as (
    select
        days.business_date,
        told.platform,
        spend.campaign,
        spend.cost
    from told
    inner join days on days.business_date between told.first_date and told.last_date
    left join spend on days.business_date = spend.spend_date and told.platform = spend.platform
),

campaigns as (
    select distinct
        platform,
        campaign
    from budgets
    where campaign is not null
),

actual as (
    {% for metric in actuals %}
        select
            business_date,
            '{{ metric }}' as metric,
            dimension,
            segment,
            cast({{ metric }} as decimal(18, 2)) as actual
        from daily
        union all
    {% endfor %}
    select
        spent.business_date,
        'cost' as metric,
        'all' as dimension,
        'all' as segment,
        coalesce(sum(spent.cost), 0) as actual
    from spent
    inner join platform_budgets
        on
            spent.platform = platform_budgets.platform
            and date_trunc('month', spent.business_date) = platform_budgets.month
    group by spent.business_date
    union all
    select
        business_date,
        'cost' as metric,
        'platform' as dimension,
        platform as segment,
        coalesce(sum(cost), 0) as actual
    from spent
    group by business_date, platform
    union all
    select
        spent.business_date,
        'cost' as metric,
        'campaign' as dimension,
        campaigns.campaign as segment,
        coalesce(sum(case when spent.campaign = campaigns.campaign then spent.cost end), 0)
            as actual
    from spent
    inner join campaigns on spent.platform = campaigns.platform
    group by spent.business_date, campaigns.campaign
),

met as (
    select
        spread.*,
        actual.actual,
        coalesce(spread.month_value, sum(cast(spread.target as decimal(38, 12))) over months)
            as month_target,
        case
            when count(actual.actual) over to_date = count(*) over to_date
                then sum(actual.actual) over to_date
        end as actual_so_far,
        sum(cast(spread.target as decimal(38, 12))) over to_date as target_so_far
    from spread
    left join actual
        on
            spread.business_date = actual.business_date
            and spread.metric = actual.metric
            and spread.dimension = actual.dimension
            and spread.segment = actual.segment
    window
        months as (
            partition by
                date_trunc('month', spread.business_date), spread.metric, spread.dimension,
                spread.segment
        ),
        to_date as (
            partition by
                date_trunc('month', spread.business_date), spread.metric, spread.dimension,
                spread.segment
            order by spread.business_date
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
