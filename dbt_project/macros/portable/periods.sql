{# First day of the day, ISO week or month that a date lies in. #}
{% macro period_start(grain, day) -%}
    {%- if grain == 'day' -%}
        {{ day }}
    {%- else -%}
        cast(date_trunc('{{ grain }}', {{ day }}) as date)
    {%- endif -%}
{%- endmacro %}

{# Last day of the period that begins, or has begun `periods` periods before, on its first day. #}
{% macro period_end(grain, first_day, periods=0) -%}
    {%- if grain == 'day' -%}
        ({{ first_day }} + {{ periods }})
    {%- elif grain == 'week' -%}
        ({{ first_day }} + 7 * ({{ periods }}) + 6)
    {%- else -%}
        ({{ plus_months(first_day, periods ~ ' + 1') }} - 1)
    {%- endif -%}
{%- endmacro %}

{# Whole calendar periods from one date to another: days, or months by their names. #}
{% macro periods_between(grain, first_date, second_date) -%}
    {%- if grain == 'day' -%}
        {{ days_from(first_date, second_date) }}
    {%- else -%}
        cast(
            12 * (extract(year from {{ second_date }}) - extract(year from {{ first_date }}))
            + extract(month from {{ second_date }}) - extract(month from {{ first_date }})
            as integer
        )
    {%- endif -%}
{%- endmacro %}
