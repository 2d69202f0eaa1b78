with days as (
    select * from {{ ref('int_calendar_days') }}
),

cells as (
    select
        *,
        period_start as business_date
    from {{ ref('int_gmv_cells') }}
    where grain = 'day'
),

phase_days as (
    select * from {{ ref('int_calendar_promo_days') }}
),

platforms as (
    select distinct platform from cells
),

known as (
    select * from {{ ref('int_gmv_known') }}
    where grain = 'day'
),

-- a day before the first order has no sales to compare with
span as (
    select min(period_start) as first_date from known
    where is_sales_known
),

lost as (
    select
        period_start as business_date,
        platform
    from known
    where has_sold and not is_sales_known
),

windows as (
    select * from {{ ref('comparisons') }}
    where first_offset is not null
),

fixed as (
    select
        days.business_date,
        windows.comparison,
        platforms.platform,
        base_days.business_date as base_date,
        windows.first_offset - windows.last_offset + 1 as base_days
    from days
    cross join windows
    cross join platforms
    cross join span
    inner join days as base_days
        on
            base_days.business_date >= days.business_date - windows.first_offset
            and base_days.business_date <= days.business_date - windows.last_offset
    where days.business_date - windows.first_offset >= span.first_date
),

aligned as (
    select
        phase_days.promo_date as business_date,
        phase_days.platform,
        last_year.promo_date as base_date
    from phase_days
    inner join phase_days as last_year
        on
            phase_days.platform = last_year.platform
            and phase_days.promo = last_year.promo
            and phase_days.phase = last_year.phase
            and phase_days.day_of_phase = last_year.day_of_phase
            and phase_days.promo_year = last_year.promo_year + 1
    inner join days on phase_days.promo_date = days.business_date
    inner join days as base_days on last_year.promo_date = base_days.business_date
    inner join span on base_days.business_date >= span.first_date
),

unaligned as (
    select distinct cells.business_date
    from cells
    left join aligned
        on cells.business_date = aligned.business_date and cells.platform = aligned.platform
    where cells.dimension = 'all' and cells.orders > 0 and aligned.base_date is null
),

candidates as (
    select * from fixed
    union all
    select
        business_date,
        'promo_phase' as comparison,
        platform,
        base_date,
        1 as base_days
    from aligned
    where business_date not in (select business_date from unaligned)
),

marked as (
    select
        candidates.*,
        lost.platform is not null as is_lost,
        base_lost.platform is not null as is_base_lost
    from candidates
    left join lost
        on
            candidates.business_date = lost.business_date
            and candidates.platform = lost.platform
    left join lost as base_lost
        on
            candidates.base_date = base_lost.business_date
            and candidates.platform = base_lost.platform
),

counted as (
    select
        business_date,
        comparison,
        platform,
        max(base_days) - count(*) filter (where is_base_lost) as known_base_days
    from marked
    where not is_lost
    group by business_date, comparison, platform
),

-- of the company there is one where each platform that is known on the day is known on the base
comparable as (
    select
        business_date,
        comparison
    from counted
    group by business_date, comparison
    having min(known_base_days) > 0
),

-- nothing is known of a day that all who sell have lost
dark_days as (
    select period_start as business_date from known
    group by period_start
    having bool_or(has_sold) and not bool_or(is_sales_known)
),

final as (
    select
        marked.business_date,
        marked.comparison,
        marked.platform,
        marked.base_date,
        marked.base_days,
        marked.is_lost,
        {{ ratio('marked.base_days', 'coalesce(counted.known_base_days, marked.base_days)') }}
            as base_weight
    from marked
    inner join comparable
        on
            marked.business_date = comparable.business_date
            and marked.comparison = comparable.comparison
    left join counted
        on
            marked.business_date = counted.business_date
            and marked.comparison = counted.comparison
            and marked.platform = counted.platform
    where
        (marked.is_lost or not marked.is_base_lost)
        and marked.business_date not in (select dark_days.business_date from dark_days)
)

select * from final
