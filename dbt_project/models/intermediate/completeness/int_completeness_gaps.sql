with judged as (
    select
        *,
        case feed
            when 'events' then 'visit'
            when 'traffic_daily' then 'traffic'
            else 'purchase'
        end as kind
    from {{ ref('int_completeness_judged') }}
    where not is_complete and feed in ('orders', 'order_items', 'events', 'traffic_daily')
),

horizons as (
    select * from {{ ref('int_completeness_horizons') }}
),

-- whatever source of the platform it came from
arrived as (
    select
        feed,
        platform,
        business_date,
        sum(arrived_rows) as arrived_rows
    from {{ ref('int_completeness_days') }}
    where feed in ('orders', 'events', 'traffic_daily')
    group by feed, platform, business_date
),

gaps as (
    select
        judged.business_date,
        judged.platform,
        judged.kind,
        coalesce(min(arrived.arrived_rows) = 0, false) as is_lost
    from judged
    left join arrived
        on
            judged.feed = arrived.feed
            and judged.platform = arrived.platform
            and judged.business_date = arrived.business_date
    group by
        judged.business_date,
        judged.platform,
        judged.kind
),

-- what is missing at the end is late, or the platform has been given up
final as (
    select
        gaps.business_date,
        gaps.kind,
        gaps.platform,
        gaps.is_lost,
        coalesce(gaps.business_date < horizons.last_complete_date, false) as is_past
    from gaps
    left join horizons on gaps.kind = horizons.kind and gaps.platform = horizons.platform
)

select * from final
