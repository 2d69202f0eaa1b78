{# Whole numbers. #}

{# Cents of an amount as an integer wide enough for the product of two of them. #}
{% macro cents(amount) %}{{ adapter.dispatch('cents')(amount) }}{% endmacro %}
{% macro duckdb__cents(amount) %}cast(round(({{ amount }}) * 100) as hugeint){% endmacro %}
{% macro spark__cents(amount) %}cast(round(({{ amount }}) * 100) as decimal(18, 0)){% endmacro %}

{# Integer quotient, without its fraction. #}
{% macro quotient(numerator, denominator) -%}
    {{ adapter.dispatch('quotient')(numerator, denominator) }}
{%- endmacro %}
{% macro duckdb__quotient(numerator, denominator) -%}
    ({{ numerator }}) // {{ denominator }}
{%- endmacro %}
{% macro spark__quotient(numerator, denominator) -%}
    ({{ numerator }}) div {{ denominator }}
{%- endmacro %}
