{# A list of columns, `pattern` once for each name with `@` standing for it. #}
{% macro each_of(names, pattern) -%}
    {%- for name in names -%}
        {{ pattern.replace('@', name) }}{{ ',\n        ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
