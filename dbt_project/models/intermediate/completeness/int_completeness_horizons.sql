with arrivals as (
    select * from {{ ref('int_completeness_expectations') }}
    where feed in ('events', 'orders')
),

-- the last day on which a platform's rows came and did not break off
platforms as (
    select
        case when feed = 'events' then 'visit' else 'purchase' end as kind,
        platform,
        max(business_date) as last_complete_date
    from arrivals
    where arrived_rows > 0 and not coalesce({{ breaks_off('arrivals') }}, false)
    group by feed, platform
),

-- platforms of which no source delivers any more
ended as (
    select
        case when feed = 'events' then 'visit' else 'purchase' end as kind,
        platform,
        max(delivers_until) as delivers_until
    from {{ source('raw', 'sources') }}
    where feed in ('events', 'orders')
    group by feed, platform
    having count(*) = count(delivers_until)
),

newest as (
    select
        kind,
        max(last_complete_date) as newest_date
    from platforms
    group by kind
),

-- a platform that has been silent for four weeks, or is said to, has been given up and holds
-- nobody back
company as (
    select
        platforms.kind,
        min(platforms.last_complete_date) as last_complete_date
    from platforms
    inner join newest on platforms.kind = newest.kind
    left join ended on platforms.kind = ended.kind and platforms.platform = ended.platform
    where
        platforms.last_complete_date > newest.newest_date - 28
        and coalesce(ended.delivers_until >= newest.newest_date, true)
    group by platforms.kind
),

final as (
    select
        kind,
        'all' as platform,
        last_complete_date
    from company
    union all
    select
        kind,
        platform,
        last_complete_date
    from platforms
)

select * from final
