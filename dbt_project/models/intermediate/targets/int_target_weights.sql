with

targets as (
    select * from {{ ref('stg_raw__targets') }}
),

budgets as (
    select * from {{ ref('stg_raw__budgets') }}
),

daily as (
    select
        period_start as business_date,
        gmv
    from {{ ref('int_gmv_totals') }}
    where grain = 'day' and dimension = 'all' and gmv is not null
),

promos as (
    select * from {{ ref('int_calendar_promo_days') }}
),

months as (
    select distinct
        cast(date_trunc('month', month_start) as date) as month_start,
        last_day(month_start) as month_end
    from (
        select period_start as month_start from targets
        union
        select month as month_start from budgets
    ) as planned
),

-- of platforms with different events of a day a sale goes first
company_promos as (
    select *
    from promos
    qualify
        row_number() over (
            partition by promo_date
            order by
                case kind when 'closed' then 1 when 'sale' then 2 else 3 end,
                promo, phase, day_of_phase, platform
        ) = 1
),

-- sales of each day against the ordinary days of the 90 before it
shaped as (
    select
        daily.business_date,
        company_promos.promo,
        company_promos.phase,
        company_promos.day_of_phase,
        cast({{ ratio(
            'daily.gmv * count(case when company_promos.promo is null then 1 end) over before',
            'sum(case when company_promos.promo is null then daily.gmv end) over before'
        ) }} as decimal(18, 6)) as relative_gmv
    from daily
    left join company_promos on daily.business_date = company_promos.promo_date
    window
        before as (order by daily.business_date rows between 90 preceding and 1 preceding)
),

-- what a month knows: the shape of the week in the year before, and events seen before
weekdays as (
    select
        months.month_start,
        {{ iso_weekday('shaped.business_date') }} as weekday,
        {{ ratio('sum(shaped.relative_gmv)', 'count(shaped.relative_gmv)') }} as weight
    from months
    inner join shaped
        on
            months.month_start > shaped.business_date
            and months.month_start <= shaped.business_date + 364
    where shaped.promo is null
    group by months.month_start, {{ iso_weekday('shaped.business_date') }}
),

events as (
    select
        months.month_start,
        shaped.promo,
        shaped.phase,
        shaped.day_of_phase,
        {{ ratio('sum(shaped.relative_gmv)', 'count(shaped.relative_gmv)') }} as weight
    from months
    inner join shaped on months.month_start > shaped.business_date
    where shaped.promo is not null
    group by months.month_start, shaped.promo, shaped.phase, shaped.day_of_phase
),

days as (
    select
        month_start,
        {{ each_day('month_start', 'month_end') }} as business_date
    from months
),

final as (
    select
        days.month_start,
        days.business_date,
        -- a day of no known shape weighs as an ordinary one
        cast(coalesce(events.weight, weekdays.weight, 1) as decimal(18, 6)) as weight
    from days
    left join company_promos on days.business_date = company_promos.promo_date
    left join events
        on
            days.month_start = events.month_start
            and company_promos.promo = events.promo
            and coalesce(company_promos.phase, '') = coalesce(events.phase, '')
            and company_promos.day_of_phase = events.day_of_phase
    left join weekdays
        on
            days.month_start = weekdays.month_start
            and {{ iso_weekday('days.business_date') }} = weekdays.weekday
)

select * from final
