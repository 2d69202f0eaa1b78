{# Spans of time as seconds and shifts of instants: DuckDB's and Spark's interval literals differ
   in what they return, so every model says them through these. #}

{% macro seconds_between(earlier, later) -%}
    {%- if target is defined and target.type == 'spark' -%}
        ((unix_micros({{ later }}) - unix_micros({{ earlier }})) / 1000000.0)
    {%- else -%}
        ((epoch_us({{ later }}) - epoch_us({{ earlier }})) / 1000000.0)
    {%- endif -%}
{%- endmacro %}

{% macro plus_seconds(instant, seconds) -%}
    {%- if target is defined and target.type == 'spark' -%}
        timestampadd(second, {{ seconds }}, {{ instant }})
    {%- else -%}
        ({{ instant }} + to_seconds({{ seconds }}))
    {%- endif -%}
{%- endmacro %}
