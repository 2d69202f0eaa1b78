{# Columns as one value that is compared from the first to the last of them. #}
{% macro struct(columns) -%}
    {{ return(adapter.dispatch('struct')(columns)) }}
{%- endmacro %}

{% macro duckdb__struct(columns) -%}
    struct_pack({% for column in columns %}{{ column }} := {{ column }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}

{% macro spark__struct(columns) -%}
    struct({{ columns | join(', ') }})
{%- endmacro %}
