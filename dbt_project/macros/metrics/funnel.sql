{# The funnel: its steps are the event types of var `funnel_steps`, in order, all within
   var `funnel_window_days` from step 1. Counted in two ways: in order from step 1 (depth), and step
   by step, wherever an attempt began (reached, direct). #}

{# Place of an event type in the funnel; NULL outside it. #}
{% macro funnel_step_number(event_type) -%}
    case {{ event_type }}
        {%- for step in var('funnel_steps') %}
            when '{{ step }}' then {{ loop.index }}
        {%- endfor %}
    end
{%- endmacro %}

{# Longest time from step 1 to the last step reached, in seconds. #}
{% macro funnel_window_seconds() -%}
    {{ (var('funnel_window_days') | float * 86400) | round | int }}
{%- endmacro %}

{# Days after that of step 1 on which the last step may be reached. #}
{% macro funnel_window_reach() %}
    {{ return((var('funnel_window_days') | float | round(0, 'ceil') | int) + 1) }}
{% endmacro %}

{# How far each attempt came in order from step 1, told by the first instant of each step. Exact
   where the steps reached follow each other in time and within the window; is_orderly says so. And
   which steps it came to at all (reached_1, ...), which of them without having been at the step
   before (direct_1, ...), both 0 or 1.

   relation  CTE with first_1_at, first_2_at, ...
   Returns   the same with depth, is_orderly, reached_1, direct_1, ... #}
{% macro judged_attempts(relation) %}
    {% set count = var('funnel_steps') | length %}
    select
        *,
        {%- for k in range(1, count + 1) %}
            case when first_{{ k }}_at is null then 0 else 1 end as reached_{{ k }},
            case
                when first_{{ k }}_at is null then 0
                {%- if k > 1 %}
                when first_{{ k - 1 }}_at <= first_{{ k }}_at then 0
                {%- endif %}
                else 1
            end as direct_{{ k }},
        {%- endfor %}
        case
            {%- for k in range(1, count + 1) %}
            when first_{{ k }}_at is null then {{ k - 1 }}
            {%- endfor %}
            else {{ count }}
        end as depth,
        case
            when first_1_at is null then true
            {%- for k in range(2, count + 1) %}
            when first_{{ k }}_at is null then true
            when
                first_{{ k }}_at < first_{{ k - 1 }}_at
                or {{ seconds_between('first_1_at', 'first_' ~ k ~ '_at') }}
                > {{ funnel_window_seconds() }}
                then false
            {%- endfor %}
            else true
        end as is_orderly
    from {{ relation }}
{% endmacro %}

{# How far each attempt came, exactly: at each event of step k, the latest step 1 from which step k
   is reached in time; the latest start is the best one for all that follows. Other events may lie
   between, one event serves one step, ties in time go by step order.

   relation  CTE with attempt_id, occurred_at, step_number, event_id
   Returns   attempt_id, depth #}
{% macro walked_attempts(relation) %}
    {% set count = var('funnel_steps') | length %}
    with

    walk_1 as (
        select
            *,
            case when step_number = 1 then occurred_at end as start_1_at
        from {{ relation }}
    ),

    {% for k in range(2, count + 1) %}
        before_{{ k }} as (
            select
                *,
                max(start_{{ k - 1 }}_at) over (
                    partition by attempt_id
                    order by occurred_at, step_number, event_id
                    rows between unbounded preceding and 1 preceding
                ) as before_{{ k }}_at
            from walk_{{ k - 1 }}
        ),

        walk_{{ k }} as (
            select
                *,
                case
                    when
                        step_number = {{ k }}
                        and {{ seconds_between('before_' ~ k ~ '_at', 'occurred_at') }}
                        <= {{ funnel_window_seconds() }}
                        then before_{{ k }}_at
                end as start_{{ k }}_at
            from before_{{ k }}
        ),
    {% endfor %}

    walked as (
        select
            attempt_id,
            max(
                case
                    {%- for k in range(count, 0, -1) %}
                    when start_{{ k }}_at is not null then {{ k }}
                    {%- endfor %}
                end
            ) as depth
        from walk_{{ count }}
        group by attempt_id
    )

    select *
    from walked
{% endmacro %}

{# Attempts counted by depth and all that the funnel is broken down by; what is read at the first
   step is read off its session. reached_1, direct_1, ... are sums over the attempts.

   judged      CTE of judged_attempts with business_date, attempt_id, session_id
   disorderly  CTE with the steps of those attempts that are not orderly, see walked_attempts
   sessions    CTE of sessions #}
{% macro counted_attempts(basis, judged, disorderly, sessions) %}
    select
        attempts.business_date,
        '{{ basis }}' as basis,
        sessions.platform,
        sessions.shop_id,
        sessions.channel,
        sessions.device,
        sessions.region,
        attempts.depth,
        {%- for k in range(1, var('funnel_steps') | length + 1) %}
            sum(attempts.reached_{{ k }}) as reached_{{ k }},
            sum(attempts.direct_{{ k }}) as direct_{{ k }},
        {%- endfor %}
        count(*) as attempt_count
    from (
        select
            business_date,
            session_id,
            {%- for k in range(1, var('funnel_steps') | length + 1) %}
                reached_{{ k }},
                direct_{{ k }},
            {%- endfor %}
            depth
        from {{ judged }}
        where is_orderly
        union all
        select
            judged.business_date,
            judged.session_id,
            {%- for k in range(1, var('funnel_steps') | length + 1) %}
                judged.reached_{{ k }},
                judged.direct_{{ k }},
            {%- endfor %}
            walked.depth
        from {{ judged }} as judged
        inner join ({{ walked_attempts(disorderly) }}) as walked
            on judged.attempt_id = walked.attempt_id
    ) as attempts
    inner join {{ sessions }} as sessions on attempts.session_id = sessions.session_id
    group by
        attempts.business_date, sessions.platform, sessions.shop_id, sessions.channel,
        sessions.device, sessions.region, attempts.depth
{% endmacro %}

{# First instant of each step of the funnel, from events. #}
{% macro first_instants_of_steps() -%}
    {%- for step in var('funnel_steps') %}
        min(occurred_at) filter (where event_type = '{{ step }}')
            as first_{{ loop.index }}_at{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
