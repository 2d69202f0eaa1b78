{# Texts. #}

{# Whether a regular expression, without backslashes, is found in a text. #}
{% macro matches(text, pattern) %}{{ adapter.dispatch('matches')(text, pattern) }}{% endmacro %}
{% macro duckdb__matches(text, pattern) %}regexp_matches({{ text }}, {{ pattern }}){% endmacro %}
{% macro spark__matches(text, pattern) %}regexp_like({{ text }}, {{ pattern }}){% endmacro %}

{# The values of a group that are not NULL as one text, in the order that is named. #}
{% macro joined_text(value, separator, order_by) -%}
    {{ adapter.dispatch('joined_text')(value, separator, order_by) }}
{%- endmacro %}
{% macro duckdb__joined_text(value, separator, order_by) -%}
    string_agg({{ value }}, '{{ separator }}' order by {{ order_by }})
{%- endmacro %}
{% macro spark__joined_text(value, separator, order_by) -%}
    listagg({{ value }}, '{{ separator }}') within group (order by {{ order_by }})
{%- endmacro %}
