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
    where first_1_at is not null
),

judged as (
    {{ judged_attempts('attempts') }}
),

disorderly as (
    select attempt_id
    from judged
    where not is_orderly
),

-- A session may run past midnight, so its events lie on its day or the days after.
disorderly_steps as (
    select
        attempts.attempt_id,
        events.occurred_at,
        {{ join_key(['events.source', 'events.event_id']) }} as event_id,
        {{ funnel_step_number('events.event_type') }} as step_number
    from attempts
    inner join {{ ref('stg_raw__events') }} as events
        on
            attempts.visitor_key = events.visitor_key
            and attempts.platform = events.platform
            and attempts.shop_id = events.shop_id
            and attempts.started_at <= events.occurred_at
            and attempts.ended_at >= events.occurred_at
    where
        {{ funnel_step_number('events.event_type') }} is not null
        and {{ only_affected_days('events.event_date', before=1, after=2) }}
        and attempts.attempt_id in (select attempt_id from disorderly)
),

depths as (
    {{ attempt_depths('judged', 'disorderly_steps') }}
),

final as (
    {{ counted_attempts('session', 'attempts', 'depths', 'sessions') }}
)

select * from final
