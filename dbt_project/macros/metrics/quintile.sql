{# 1 to 5 from a rank between 0 and 1. #}
{% macro quintile(rank) -%}
    (1 + least(cast(floor(5 * {{ rank }}) as integer), 4))
{%- endmacro %}
