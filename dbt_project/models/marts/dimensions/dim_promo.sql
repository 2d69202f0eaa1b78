with promos as (
    select * from {{ ref('int_calendar_promos') }}
),

final as (
    select
        promo,
        promo_year,
        platform,
        phase,
        starts_at,
        ends_at,
        start_date,
        end_date,
        day_count,
        kind,
        label_en,
        label_zh
    from promos
)

select * from final
