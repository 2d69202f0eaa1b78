{# One text of several columns, so that a composite key travels as one value. #}
{% macro join_key(columns) -%}
    {% for column in columns %}{{ column }}{{ " || '|' || " if not loop.last }}{% endfor %}
{%- endmacro %}
