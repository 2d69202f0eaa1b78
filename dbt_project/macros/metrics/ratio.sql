{# The one way to divide: NULL where the denominator is zero or unknown, DOUBLE otherwise. #}
{% macro ratio(numerator, denominator) -%}
    (cast({{ numerator }} as double) / nullif(cast({{ denominator }} as double), 0))
{%- endmacro %}
