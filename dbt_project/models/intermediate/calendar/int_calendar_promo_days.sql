with promos as (
    select * from {{ ref('int_calendar_promos') }}
),

listed as (
    select
        promo,
        promo_year,
        platform,
        phase,
        kind,
        case when kind = 'holiday' then day_count else 0 end as holiday_days,
        start_date,
        {{ each_day('start_date', 'end_date') }} as promo_date
    from promos
    where start_date <= end_date
),

numbered as (
    select
        *,
        {{ days_from('start_date', 'promo_date') }} + 1 as day_of_phase
    from listed
),

-- where phases overlap on a platform, a closed day goes before a sale, a sale before a holiday and
-- a long holiday before a short one; then a day belongs to the one that began last
final as (
    select *
    from numbered
    qualify row_number() over (
        partition by platform, promo_date
        order by
            case kind when 'closed' then 1 when 'sale' then 2 else 3 end asc,
            holiday_days desc, start_date desc, promo asc, promo_year asc, phase asc nulls last
    ) = 1
)

select * from final
