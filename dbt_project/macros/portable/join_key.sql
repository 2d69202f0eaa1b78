{# One text of several columns, so that a composite key travels as one value. #}
{% macro join_key(columns) -%}
    {% for column in columns %}{{ column }}{{ " || '|' || " if not loop.last }}{% endfor %}
{%- endmacro %}

{# The columns as one 64-bit number that differs for nearly all rows that differ: cheap to group
   by, to set aside the rows a costly exact comparison is not needed for. #}
{% macro row_hash(columns) -%}
    {{ 'xxhash64' if target is defined and target.type == 'spark' else 'hash' }}({{ columns | join(', ') }})
{%- endmacro %}
