{# Several columns as one value. #}

{# One text, so that a composite key travels as one value. #}
{% macro join_key(columns) -%}
    {% for column in columns %}{{ column }}{{ " || '|' || " if not loop.last }}{% endfor %}
{%- endmacro %}

{# A 64-bit number that differs for nearly all rows that differ: cheap to group by, to set aside
   the rows a costly exact comparison is not needed for. #}
{% macro row_hash(columns) %}{{ adapter.dispatch('row_hash')(columns) }}{% endmacro %}
{% macro duckdb__row_hash(columns) %}hash({{ columns | join(', ') }}){% endmacro %}
{% macro spark__row_hash(columns) %}xxhash64({{ columns | join(', ') }}){% endmacro %}

{# A text as 128 bits: cheaper to sort and group by than the text. #}
{% macro text_digest(text) %}{{ adapter.dispatch('text_digest')(text) }}{% endmacro %}
{% macro duckdb__text_digest(text) %}md5_number({{ text }}){% endmacro %}
{% macro spark__text_digest(text) %}md5({{ text }}){% endmacro %}

{# A value that is compared from the first to the last of them, NULL above all others. #}
{% macro struct(columns) %}{{ adapter.dispatch('struct')(columns) }}{% endmacro %}
{% macro duckdb__struct(columns) -%}
    struct_pack(
        {%- for column in columns %}{{ column }} := {{ column }}{{ ', ' if not loop.last }}{% endfor -%}
    )
{%- endmacro %}
{% macro spark__struct(columns) -%}
    struct(
        {%- for column in columns -%}
            {{ column }} is null as {{ column }}_missing, {{ column }}{{ ', ' if not loop.last }}
        {%- endfor -%}
    )
{%- endmacro %}

{# One row for each part of a text, in a select list. #}
{% macro parts_of(text, separator) %}{{ adapter.dispatch('parts_of')(text, separator) }}{% endmacro %}
{% macro duckdb__parts_of(text, separator) %}unnest(string_split({{ text }}, '{{ separator }}')){% endmacro %}
{% macro spark__parts_of(text, separator) %}explode(split({{ text }}, '[{{ separator }}]')){% endmacro %}
