{{ replace(
    rows='day', day='event_date', order_by=['event_date'], affected={'stg_raw__events': [0, 0]}
) }}

with

events as (
    select
        *,
        cast(extract(hour from {{ utc_to_reporting('occurred_at') }}) as integer) as local_hour,
        visitor_key is not null as has_visitor
    from {{ ref('stg_raw__events') }}
    where {{ only_affected_days('event_date') }}
),

final as (
    select
        source,
        event_date,
        local_hour,
        has_visitor,
        count(*) as event_count,
        min(event_id) as first_event_id,
        min(occurred_at) as first_at,
        max(occurred_at) as last_at,
        max(case when event_type = 'purchase' then occurred_at end) as last_purchase_at
    from events
    group by source, event_date, local_hour, has_visitor
)

select * from final
