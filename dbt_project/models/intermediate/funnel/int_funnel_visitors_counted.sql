{{ replace(
    rows='day', day='business_date', order_by=['business_date'],
    affected={
        'stg_raw__events': ['{{ -funnel_window_reach() }}', 0],
        'int_sessions_built': ['{{ -funnel_window_reach() }}', 2]
    }
) }}

with

sessions as (
    select *
    from {{ ref('int_sessions_built') }}
    where {{ only_affected_days('business_date', before=2) }}
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
    from {{ ref('int_events_counted') }}
    where
        visitor_key is not null
        and {{ funnel_step_number('event_type') }} is not null
        and {{ only_affected_days('event_date', after=funnel_window_reach()) }}
),

-- An attempt of a visitor is all that follows the first event of the funnel on a day, within the
-- window from step 1 of that day, or from where it began on a day without step 1.
starts as (
    select
        platform,
        visitor_key,
        event_date,
        {{ join_key(['platform', 'visitor_key', 'cast(event_date as string)']) }} as attempt_id,
        min(occurred_at) as began_at,
        coalesce(
            min({{ struct(['occurred_at', 'shop_id']) }}) filter (where step_number = 1),
            min({{ struct(['occurred_at', 'shop_id']) }})
        ) as first_step,
        coalesce(max(occurred_at) filter (where step_number = 1), min(occurred_at)) as last_at
    from steps
    where {{ only_affected_days('event_date') }}
    group by platform, visitor_key, event_date
),

attempt_steps as (
    select
        starts.attempt_id,
        steps.occurred_at,
        steps.event_type,
        steps.event_id,
        steps.step_number
    from starts
    inner join steps
        on
            starts.platform = steps.platform
            and starts.visitor_key = steps.visitor_key
            and starts.began_at <= steps.occurred_at
            and (steps.step_number > 1 or starts.event_date = steps.event_date)
    where
        {{ seconds_between('starts.last_at', 'steps.occurred_at') }}
        <= {{ funnel_window_seconds() }}
),

firsts as (
    select
        attempt_id,
        {{ first_instants_of_steps() }}
    from attempt_steps
    group by attempt_id
),

attempts as (
    select
        firsts.*,
        starts.event_date as business_date,
        sessions.session_id
    from starts
    inner join firsts on starts.attempt_id = firsts.attempt_id
    inner join sessions
        on
            starts.visitor_key = sessions.visitor_key
            and starts.platform = sessions.platform
            and starts.first_step.shop_id = sessions.shop_id
            and starts.first_step.occurred_at >= sessions.started_at
            and starts.first_step.occurred_at <= sessions.ended_at
),

judged as (
    {{ judged_attempts('attempts') }}
),

disorderly_steps as (
    select attempt_steps.*
    from attempt_steps
    inner join judged on attempt_steps.attempt_id = judged.attempt_id
    where not judged.is_orderly
),

final as (
    {{ counted_attempts('visitor', 'judged', 'disorderly_steps', 'sessions') }}
)

select * from final
