{# Date of a UTC instant in the company's reporting zone. #}
{% macro local_date(instant) -%}
    {%- if target is defined and target.type == 'spark' -%}
        to_date(from_utc_timestamp({{ instant }}, '{{ var("reporting_timezone") }}'))
    {%- else -%}
        cast(timezone('{{ var("reporting_timezone") }}', timezone('UTC', {{ instant }})) as date)
    {%- endif -%}
{%- endmacro %}
