{% set window_days = (funnel_window_seconds() / 86400) | round(0, 'ceil') | int %}
{{ replace(
    rows='day', day='business_date', order_by=['business_date'],
    affected={'stg_raw__events': [-window_days - 2, 0], 'int_sessions_built': [0, 2]}
) }}

with

sessions as (
    select *
    from {{ ref('int_sessions_built') }}
    where {{ only_affected_days('business_date', before=3, after=window_days + 3) }}
),

steps as (
    select
        platform,
        shop_id,
        visitor_key,
        occurred_at,
        event_date,
        event_type,
        {{ join_key(['source', 'event_id']) }} as event_id,
        {{ funnel_step_number('event_type') }} as step_number
    from {{ ref('stg_raw__events') }}
    where
        visitor_key is not null
        and event_type in ('{{ funnel_steps() | join("', '") }}')
        and {{ only_affected_days('event_date', before=3, after=window_days + 3) }}
),

-- An attempt of a visitor is all that follows the first step of a day, within the window.
visitor_starts as (
    select
        platform,
        visitor_key,
        event_date,
        {{ join_key(['platform', 'visitor_key', 'cast(event_date as varchar)']) }} as attempt_id,
        min({{ struct(['occurred_at', 'shop_id']) }}) as first_step,
        max(occurred_at) as last_at
    from steps
    where step_number = 1
    group by platform, visitor_key, event_date
),

visitor_steps as (
    select
        starts.attempt_id,
        steps.occurred_at,
        steps.event_type,
        steps.event_id,
        steps.step_number
    from visitor_starts as starts
    inner join steps
        on
            starts.platform = steps.platform
            and starts.visitor_key = steps.visitor_key
            and steps.occurred_at >= starts.first_step.occurred_at
            and steps.occurred_at <= {{ plus_seconds('starts.last_at', funnel_window_seconds()) }}
            and (steps.step_number > 1 or steps.event_date = starts.event_date)
),

visitor_firsts as (
    select
        attempt_id,
        {{ first_instants_of_steps() }}
    from visitor_steps
    group by attempt_id
),

attempts as (
    select
        'session' as basis,
        business_date,
        session_id,
        session_id as attempt_id,
        {{ first_step_columns('sessions') }}
    from sessions
    where first_1_at is not null
    union all
    select
        'visitor' as basis,
        starts.event_date as business_date,
        sessions.session_id,
        starts.attempt_id,
        {{ first_step_columns('firsts') }}
    from visitor_starts as starts
    inner join visitor_firsts as firsts on starts.attempt_id = firsts.attempt_id
    inner join sessions
        on
            starts.visitor_key = sessions.visitor_key
            and starts.platform = sessions.platform
            and starts.first_step.shop_id = sessions.shop_id
            and starts.first_step.occurred_at between sessions.started_at and sessions.ended_at
),

judged as (
    {{ judged_attempts('attempts') }}
),

disorderly_steps as (
    select
        sessions.session_id as attempt_id,
        steps.occurred_at,
        steps.event_id,
        steps.step_number
    from sessions
    inner join steps
        on
            sessions.visitor_key = steps.visitor_key
            and sessions.platform = steps.platform
            and sessions.shop_id = steps.shop_id
            and steps.occurred_at between sessions.started_at and sessions.ended_at
    where sessions.session_id in (select attempt_id from judged where not is_orderly)
    union all
    select
        attempt_id,
        occurred_at,
        event_id,
        step_number
    from visitor_steps
    where attempt_id in (select attempt_id from judged where not is_orderly)
),

depths as (
    select
        attempt_id,
        depth
    from judged
    where is_orderly
    union all
    select
        attempt_id,
        depth
    from ({{ walked_attempts('disorderly_steps') }}) as walked
),

final as (
    select
        attempts.business_date,
        attempts.basis,
        sessions.platform,
        sessions.shop_id,
        sessions.channel,
        sessions.device,
        sessions.region,
        depths.depth,
        count(*) as attempt_count
    from attempts
    inner join depths on attempts.attempt_id = depths.attempt_id
    inner join sessions on attempts.session_id = sessions.session_id
    where {{ only_affected_days('attempts.business_date') }}
    group by
        attempts.business_date, attempts.basis, sessions.platform, sessions.shop_id,
        sessions.channel, sessions.device, sessions.region, depths.depth
)

select * from final
