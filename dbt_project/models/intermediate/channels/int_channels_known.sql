with measured as (
    select distinct
        business_date,
        platform
    from {{ ref('int_channels_measured') }}
),

spend as (
    select * from {{ ref('stg_raw__campaign_spend') }}
),

known as (
    select * from {{ ref('int_gmv_known') }}
    where grain = 'day'
),

refunders as (
    select * from {{ ref('int_platforms_refunding') }}
),

told as (
    select
        platform,
        min(spend_date) as first_date,
        max(spend_date) as last_date
    from spend
    group by platform
),

final as (
    select
        measured.business_date,
        measured.platform,
        coalesce(measured.business_date between told.first_date and told.last_date, false)
            as is_spend_known,
        coalesce(known.is_tracked, false) as is_tracked,
        coalesce(known.is_sales_known, false) as is_sales_known,
        refunders.platform is not null as is_refunds_known
    from measured
    left join told on measured.platform = told.platform
    left join refunders on measured.platform = refunders.platform
    left join known
        on
            measured.business_date = known.period_start
            and measured.platform = known.platform
)

select * from final
