{% set metrics = ['gmv', 'net_sales', 'orders', 'units', 'new_buyers'] %}
with

daily as (
    select
        *,
        period_start as business_date
    from {{ ref('int_gmv_totals') }}
    where grain = 'day'
),

spend as (
    select * from {{ ref('stg_raw__campaign_spend') }}
),

budgets as (
    select * from {{ ref('stg_raw__budgets') }}
),

days as (
    select * from {{ ref('int_calendar_days') }}
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

budgeted as (
    select distinct
        platform,
        month
    from budgets
),

final as (
    {% for metric in metrics %}
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
    inner join budgeted
        on
            spent.platform = budgeted.platform
            and date_trunc('month', spent.business_date) = budgeted.month
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
)

select * from final
