{% set metrics = ['gmv', 'net_sales', 'orders', 'units', 'new_buyers'] %}
with

sold as (
    select
        *,
        period_start as business_date
    from {{ ref('int_gmv_totals') }}
    where grain = 'day'
),

known as (
    select * from {{ ref('int_gmv_known') }}
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

-- sales of a platform are known by its own orders, those of another part by all that sell
told_days as (
    select
        period_start as business_date,
        platform,
        is_sales_known,
        is_refunds_known
    from known
    union all
    select
        period_start as business_date,
        null as platform,
        bool_and(is_sales_known or not has_sold) as is_sales_known,
        bool_and(is_refunds_known or not has_sold) as is_refunds_known
    from known
    group by period_start
),

parts as (
    select distinct
        dimension,
        segment,
        case when dimension = 'platform' then segment end as platform
    from sold
    where dimension != 'all'
),

-- a part without a row on a day of which all is known sold nothing
quiet as (
    select
        told_days.business_date,
        parts.dimension,
        parts.segment,
        told_days.is_refunds_known
    from parts
    inner join told_days
        on
            parts.platform is not distinct from told_days.platform
            and told_days.is_sales_known
    left join sold
        on
            told_days.business_date = sold.business_date
            and parts.dimension = sold.dimension
            and parts.segment = sold.segment
    where sold.segment is null
),

final as (
    {% for metric in metrics %}
        select
            business_date,
            '{{ metric }}' as metric,
            dimension,
            segment,
            cast({{ metric }} as decimal(18, 2)) as actual
        from sold
        union all
        select
            business_date,
            '{{ metric }}' as metric,
            dimension,
            segment,
            {{ 'case when is_refunds_known then 0 end' if metric == 'net_sales' else '0' }}
                as actual
        from quiet
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
