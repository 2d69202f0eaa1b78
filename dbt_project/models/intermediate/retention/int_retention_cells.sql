with

members as (
    select * from {{ ref('int_retention_members') }}
),

returns as (
    select * from {{ ref('int_retention_returns') }}
),

sales as (
    select * from {{ ref('int_retention_sales') }}
),

-- what members did on a day: came (first of the month), came for the last time, bought
entries as (
    select
        kind,
        platform,
        channel,
        cohort_date,
        cohort_date as business_date,
        1 as active_count,
        1 as month_active_count,
        0 as first_return_count,
        0 as last_count,
        cast(0 as decimal(18, 2)) as revenue,
        cast(0 as decimal(18, 2)) as margin
    from members
    union all
    select
        kind,
        platform,
        channel,
        cohort_date,
        last_date as business_date,
        0 as active_count,
        0 as month_active_count,
        0 as first_return_count,
        1 as last_count,
        0 as revenue,
        0 as margin
    from members
    union all
    select
        kind,
        platform,
        channel,
        cohort_date,
        business_date,
        1 as active_count,
        cast(is_first_of_month as integer) as month_active_count,
        case when business_date - gap_days = cohort_date then 1 else 0 end as first_return_count,
        0 as last_count,
        0 as revenue,
        0 as margin
    from returns
    union all
    select
        kind,
        platform,
        channel,
        cohort_date,
        business_date,
        0 as active_count,
        0 as month_active_count,
        0 as first_return_count,
        0 as last_count,
        net_amount as revenue,
        margin_amount as margin
    from sales
),

final as (
    select
        kind,
        platform,
        channel,
        cohort_date,
        business_date,
        sum(active_count) as active_count,
        sum(month_active_count) as month_active_count,
        sum(first_return_count) as first_return_count,
        sum(last_count) as last_count,
        sum(revenue) as revenue,
        sum(margin) as margin,
        count(*) - count(margin) as unknown_margins
    from entries
    group by kind, platform, channel, cohort_date, business_date
)

select * from final
