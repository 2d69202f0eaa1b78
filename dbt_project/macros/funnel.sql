{# The steps of the funnel, in order, as types of event. #}
{% macro funnel_steps() %}
    {{ return(var('funnel_steps', ['home', 'product_view', 'add_to_cart', 'checkout', 'purchase'])) }}
{% endmacro %}

{# Longest time from step 1 to the last step reached. #}
{% macro funnel_window_seconds() %}
    {{ return((var('funnel_window_days') * 86400) | round | int) }}
{% endmacro %}

{# Place of an event type in the funnel; NULL outside it. #}
{% macro funnel_step_number(event_type) -%}
    case {{ event_type }}
        {%- for step in funnel_steps() %}
        when '{{ step }}' then {{ loop.index }}
        {%- endfor %}
    end
{%- endmacro %}

{# How far each attempt came, told by the first instant of each step. Exact where the steps
   reached follow each other in time and within the window; is_orderly says so.

   relation  CTE with attempt_id and first_1_at (never NULL), first_2_at, ...
   Returns   attempt_id, depth, is_orderly #}
{% macro judged_attempts(relation) %}
    {% set count = funnel_steps() | length %}
    select
        attempt_id,
        case
            {%- for k in range(2, count + 1) %}
            when first_{{ k }}_at is null then {{ k - 1 }}
            {%- endfor %}
            else {{ count }}
        end as depth,
        case
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
    {% set count = funnel_steps() | length %}
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

{# First instant of each step of the funnel, from events. #}
{% macro first_instants_of_steps() -%}
    {%- for step in funnel_steps() %}
        min(occurred_at) filter (where event_type = '{{ step }}')
            as first_{{ loop.index }}_at{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# The columns first_1_at, first_2_at, ... of a relation. #}
{% macro first_step_columns(relation) -%}
    {%- for step in funnel_steps() %}
        {{ relation }}.first_{{ loop.index }}_at{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
