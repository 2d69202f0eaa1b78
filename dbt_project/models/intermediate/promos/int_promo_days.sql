with

phases as (
    select * from {{ ref('int_calendar_promos') }}
    where kind = 'sale'
),

promo_days as (
    select * from {{ ref('int_calendar_promo_days') }}
),

known as (
    select * from {{ ref('int_gmv_known') }}
    where grain = 'day'
),

cells as (
    select * from {{ ref('int_gmv_cells') }}
    where grain = 'day' and dimension = 'platform'
),

margins as (
    select * from {{ ref('int_order_margins') }}
),

measured as (
    select * from {{ ref('int_channels_measured') }}
),

known_spend as (
    select * from {{ ref('int_channels_known') }}
),

-- days in which a phase is for a part of them are days of the promotion too
promos as (
    select
        promo,
        promo_year,
        platform,
        min({{ local_date('starts_at') }}) as first_date,
        max({{ local_date(plus_seconds('ends_at', -1)) }}) as last_date
    from phases
    group by promo, promo_year, platform
),

earned as (
    select
        platform,
        business_date,
        case when count(*) = count(margin_amount) then sum(margin_amount) end as margin_amount,
        count(*) as orders
    from margins
    group by platform, business_date
),

spent as (
    select
        measured.platform,
        measured.business_date,
        sum(measured.cost) as cost
    from measured
    inner join known_spend
        on
            measured.platform = known_spend.platform
            and measured.business_date = known_spend.business_date
            and known_spend.is_spend_known
    group by measured.platform, measured.business_date
),

-- what is known of each day of a platform, zeros included
daily as (
    select
        known.platform,
        known.period_start as business_date,
        {{ iso_weekday('known.period_start') }} as weekday,
        promo_days.promo_date is null as is_ordinary,
        case when known.is_sales_known then coalesce(cells.gmv, 0) end as gmv,
        case
            when known.is_sales_known and earned.orders is null then 0
            else earned.margin_amount
        end as margin_amount,
        spent.cost
    from known
    left join cells
        on known.platform = cells.platform and known.period_start = cells.period_start
    left join earned
        on known.platform = earned.platform and known.period_start = earned.business_date
    left join spent
        on known.platform = spent.platform and known.period_start = spent.business_date
    left join promo_days
        on known.platform = promo_days.platform and known.period_start = promo_days.promo_date
    where known.has_sold
),

begun as (
    select promos.*
    from promos
    inner join daily
        on promos.platform = daily.platform and promos.first_date = daily.business_date
),

final as (
    select
        begun.*,
        case
            when daily.business_date < begun.first_date then 'before'
            when daily.business_date <= begun.last_date then 'promo'
            else 'after'
        end as part,
        daily.business_date,
        daily.weekday,
        cast(daily.gmv as decimal(18, 2)) as gmv,
        cast(daily.margin_amount as decimal(18, 2)) as margin_amount,
        cast(daily.cost as decimal(18, 2)) as cost
    from begun
    inner join daily
        on
            begun.platform = daily.platform
            and daily.business_date >= begun.first_date - 28
            and daily.business_date <= begun.last_date + 14
    where
        daily.is_ordinary
        or daily.business_date between begun.first_date and begun.last_date
)

select * from final
