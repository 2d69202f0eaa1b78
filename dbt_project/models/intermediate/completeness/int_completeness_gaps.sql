with judged as (
    select * from {{ ref('int_completeness_judged') }}
    where not is_complete and feed in ('orders', 'order_items', 'events', 'traffic_daily')
),

horizons as (
    select * from {{ ref('int_completeness_horizons') }}
),

gaps as (
    select distinct
        business_date,
        platform,
        case
            when feed = 'events' then 'visit'
            when feed = 'traffic_daily' then 'traffic'
            else 'purchase'
        end as kind
    from judged
),

-- what is missing at the end is late, or the platform has been given up
final as (
    select
        gaps.business_date,
        gaps.kind,
        gaps.platform,
        coalesce(gaps.business_date < horizons.last_complete_date, false) as is_past
    from gaps
    left join horizons on gaps.kind = horizons.kind and gaps.platform = horizons.platform
)

select * from final
