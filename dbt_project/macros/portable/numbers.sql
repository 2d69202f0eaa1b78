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

{# A DOUBLE amount to the nearest cent. Not round(x, 2), which on Spark rounds the shortest text of
   the number: 5.025, which is a little less, would be 5.03 there and 5.02 here. #}
{% macro round_to_cents(amount) -%}
    (round(({{ amount }}) * 100) / cast(100 as double))
{%- endmacro %}
