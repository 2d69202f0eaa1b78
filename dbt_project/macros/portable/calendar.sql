{# One row for each day from the first to the last, both included, as a select list item. #}
{% macro each_day(first_date, last_date) -%}
    {%- if target is defined and target.type == 'spark' -%}
        explode(sequence({{ first_date }}, {{ last_date }}, interval 1 day))
    {%- else -%}
        cast(unnest(generate_series({{ first_date }}, {{ last_date }}, interval 1 day)) as date)
    {%- endif -%}
{%- endmacro %}

{# 1 = Monday to 7 = Sunday. #}
{% macro iso_weekday(day) -%}
    {%- if target is defined and target.type == 'spark' -%}
        (weekday({{ day }}) + 1)
    {%- else -%}
        cast(isodow({{ day }}) as integer)
    {%- endif -%}
{%- endmacro %}

{# Whole days from the first to the second date. #}
{% macro days_from(first_date, second_date) -%}
    {%- if target is defined and target.type == 'spark' -%}
        datediff({{ second_date }}, {{ first_date }})
    {%- else -%}
        cast(date_diff('day', {{ first_date }}, {{ second_date }}) as integer)
    {%- endif -%}
{%- endmacro %}

{# The instant in UTC of a wall clock time in the reporting zone. #}
{% macro reporting_to_utc(wall_time) -%}
    {%- set zone = var('reporting_timezone') -%}
    {%- if target is defined and target.type == 'spark' -%}
        to_utc_timestamp({{ wall_time }}, '{{ zone }}')
    {%- else -%}
        timezone('UTC', timezone('{{ zone }}', {{ wall_time }}))
    {%- endif -%}
{%- endmacro %}

{# The wall clock time in the reporting zone of an instant in UTC. #}
{% macro utc_to_reporting(instant) -%}
    {%- set zone = var('reporting_timezone') -%}
    {%- if target is defined and target.type == 'spark' -%}
        from_utc_timestamp({{ instant }}, '{{ zone }}')
    {%- else -%}
        timezone('{{ zone }}', timezone('UTC', {{ instant }}))
    {%- endif -%}
{%- endmacro %}

{# The year that the ISO week of a day belongs to: that of the week's Thursday. #}
{% macro iso_year(day) -%}
    extract(year from {{ day }} + (4 - {{ iso_weekday(day) }}))
{%- endmacro %}

{# Hour of the day of a UTC instant in the reporting zone. #}
{% macro local_hour(instant) -%}
    extract(hour from {{ utc_to_reporting(instant) }})
{%- endmacro %}

{# Time of the day of a UTC instant in the reporting zone, in hours with their fraction. #}
{% macro hour_of_day(instant) -%}
    (
        extract(hour from {{ utc_to_reporting(instant) }})
        + extract(minute from {{ utc_to_reporting(instant) }}) / 60.0
    )
{%- endmacro %}

{# A small constant table. #}
{% macro listed(columns, rows) -%}
    {%- for row in rows -%}
        select {% for column in columns %}{{ row[loop.index0] }} as {{ column }}
        {{- ', ' if not loop.last }}{% endfor %}
        {{- '\n    union all\n    ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
