{{ replace(
    rows='day', day='business_date', order_by=['business_date'],
    affected={'int_sessions_built': [0, 0], 'stg_raw__events': [-2, 0]}
) }}

with

sessions as (
    select *
    from {{ ref('int_sessions_built') }}
    where {{ only_affected_days('business_date') }}
),

attempts as (
    select
        *,
        session_id as attempt_id
    from sessions
),

judged as (
    {{ judged_attempts('attempts') }}
),

disorderly as (
    select *
    from judged
    where not is_orderly
),

-- A session may run past midnight, so its events lie on its day or the days after.
disorderly_steps as (
    select
        disorderly.attempt_id,
        events.occurred_at,
        {{ join_key(['events.source', 'events.event_id']) }} as event_id,
        {{ funnel_step_number('events.event_type') }} as step_number
    from disorderly
    inner join {{ ref('int_events_counted') }} as events
        on
            disorderly.visitor_key = events.visitor_key
            and disorderly.platform = events.platform
            and disorderly.shop_id = events.shop_id
            and disorderly.started_at <= events.occurred_at
            and disorderly.ended_at >= events.occurred_at
    where
        {{ funnel_step_number('events.event_type') }} is not null
        and {{ only_affected_days('events.event_date', before=1, after=2) }}
),

final as (
    {{ counted_attempts('session', 'judged', 'disorderly_steps', 'sessions') }}
)

select * from final
