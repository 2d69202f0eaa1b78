{# Columns as one value that is compared from the first to the last of them. #}
{% macro struct(columns) -%}
    {%- if target is defined and target.type == 'spark' -%}
        struct({{ columns | join(', ') }})
    {%- else -%}
        struct_pack(
            {%- for column in columns %}{{ column }} := {{ column }}{{ ', ' if not loop.last }}{% endfor -%}
        )
    {%- endif -%}
{%- endmacro %}

{# Every column of the relation but those named. #}
{% macro all_columns_but(columns) -%}
    * {{ 'except' if target is defined and target.type == 'spark' else 'exclude' }} (
        {{- columns | join(', ') -}}
    )
{%- endmacro %}
