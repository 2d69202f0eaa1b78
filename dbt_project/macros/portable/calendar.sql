{# Days, clocks and spans of time. #}

{# One row for each day from the first to the last, both included, as a select list item. #}
{% macro each_day(first_date, last_date) -%}
    {{ adapter.dispatch('each_day')(first_date, last_date) }}
{%- endmacro %}
{% macro duckdb__each_day(first_date, last_date) -%}
    cast(unnest(generate_series({{ first_date }}, {{ last_date }}, interval 1 day)) as date)
{%- endmacro %}
{% macro spark__each_day(first_date, last_date) -%}
    explode(sequence({{ first_date }}, {{ last_date }}, interval 1 day))
{%- endmacro %}

{# 1 = Monday to 7 = Sunday. #}
{% macro iso_weekday(day) %}{{ adapter.dispatch('iso_weekday')(day) }}{% endmacro %}
{% macro duckdb__iso_weekday(day) %}cast(isodow({{ day }}) as integer){% endmacro %}
{% macro spark__iso_weekday(day) %}(weekday({{ day }}) + 1){% endmacro %}

{# Whole days from the first to the second date. #}
{% macro days_from(first_date, second_date) -%}
    {{ adapter.dispatch('days_from')(first_date, second_date) }}
{%- endmacro %}
{% macro duckdb__days_from(first_date, second_date) -%}
    cast(date_diff('day', {{ first_date }}, {{ second_date }}) as integer)
{%- endmacro %}
{% macro spark__days_from(first_date, second_date) -%}
    datediff({{ second_date }}, {{ first_date }})
{%- endmacro %}

{# Seconds with their fraction. #}
{% macro seconds_between(earlier, later) -%}
    (({{ microseconds(later) }} - {{ microseconds(earlier) }}) / cast(1000000 as double))
{%- endmacro %}
{% macro microseconds(instant) %}{{ adapter.dispatch('microseconds')(instant) }}{% endmacro %}
{% macro duckdb__microseconds(instant) %}epoch_us({{ instant }}){% endmacro %}
{% macro spark__microseconds(instant) %}unix_micros({{ instant }}){% endmacro %}

{% macro plus_seconds(instant, seconds) -%}
    {{ adapter.dispatch('plus_seconds')(instant, seconds) }}
{%- endmacro %}
{% macro duckdb__plus_seconds(instant, seconds) -%}
    ({{ instant }} + to_seconds({{ seconds }}))
{%- endmacro %}
{% macro spark__plus_seconds(instant, seconds) -%}
    timestampadd(second, {{ seconds }}, {{ instant }})
{%- endmacro %}

{# The instant in UTC of a wall clock time in the reporting zone. #}
{% macro reporting_to_utc(wall_time) -%}
    {{ adapter.dispatch('reporting_to_utc')(wall_time) }}
{%- endmacro %}
{% macro duckdb__reporting_to_utc(wall_time) -%}
    timezone('UTC', timezone('{{ var("reporting_timezone") }}', {{ wall_time }}))
{%- endmacro %}
{% macro spark__reporting_to_utc(wall_time) -%}
    cast(to_utc_timestamp({{ wall_time }}, '{{ var("reporting_timezone") }}') as timestamp)
{%- endmacro %}

{# The wall clock time in the reporting zone of an instant in UTC. #}
{% macro utc_to_reporting(instant) -%}
    {{ adapter.dispatch('utc_to_reporting')(instant) }}
{%- endmacro %}
{% macro duckdb__utc_to_reporting(instant) -%}
    timezone('{{ var("reporting_timezone") }}', timezone('UTC', {{ instant }}))
{%- endmacro %}
{% macro spark__utc_to_reporting(instant) -%}
    cast(from_utc_timestamp({{ instant }}, '{{ var("reporting_timezone") }}') as timestamp)
{%- endmacro %}

{# Date of a UTC instant in the reporting zone. #}
{% macro local_date(instant) -%}
    cast({{ utc_to_reporting(instant) }} as date)
{%- endmacro %}

{# Date of a UTC instant in the zone that another column names. #}
{% macro date_in_zone(instant, zone) -%}
    {{ adapter.dispatch('date_in_zone')(instant, zone) }}
{%- endmacro %}
{% macro duckdb__date_in_zone(instant, zone) -%}
    cast(timezone({{ zone }}, timezone('UTC', {{ instant }})) as date)
{%- endmacro %}
{% macro spark__date_in_zone(instant, zone) -%}
    cast(from_utc_timestamp({{ instant }}, {{ zone }}) as date)
{%- endmacro %}

{# Time of the day of a UTC instant in the reporting zone, in hours with their fraction. #}
{% macro hour_of_day(instant) -%}
    (
        extract(hour from {{ utc_to_reporting(instant) }})
        + extract(minute from {{ utc_to_reporting(instant) }}) / cast(60 as double)
    )
{%- endmacro %}
