{# Events of known visitors with the first instant of their chain. A chain is a visitor's run of
   events on a shop with no gap above the session gap. `utm_before_at` is the visitor's last event
   with a utm value before this one. Ties in time make no difference to either. #}
{% macro chained_events(relation) %}
    {%- set so_far = 'partition by visitor_digest order by occurred_at' %}
    select
        *,
        max(
            case
                when
                    previous_at is null
                    or {{ seconds_between('previous_at', 'occurred_at') }}
                    > {{ var('session_gap_minutes') }} * 60
                    then occurred_at
            end
        -- a range, not rows: of events at one instant any may be the one that tells the gap
        ) over ({{ so_far }} range between unbounded preceding and current row)
            as chain_started_at,
        max(case when has_utm then occurred_at end) over (
            {{ so_far }} rows between unbounded preceding and 1 preceding
        ) as utm_before_at
    from (
        select
            *,
            lag(occurred_at) over (partition by visitor_digest order by occurred_at)
                as previous_at
        from {{ relation }}
    ) as spaced
{% endmacro %}
