{# Each visitor's first session of a period on a platform, with the period. #}
{% macro first_sessions(sessions, periods) %}
    select
        {{ sessions }}.*,
        {{ periods }}.grain,
        {{ periods }}.period_start,
        {{ periods }}.period_end
    from {{ sessions }}
    inner join {{ periods }} on {{ sessions }}.business_date = {{ periods }}.business_date
    qualify row_number() over (
        partition by
            {{ periods }}.grain, {{ periods }}.period_start,
            {{ sessions }}.platform, {{ sessions }}.visitor_key
        order by {{ sessions }}.started_at, {{ sessions }}.session_id
    ) = 1
{% endmacro %}
