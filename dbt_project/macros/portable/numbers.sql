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

{# The value that a share of a group lies below, between its neighbours in proportion. NULLs are left out. #}
{% macro percentile(value, share) %}{{ adapter.dispatch('percentile')(value, share) }}{% endmacro %}
{% macro duckdb__percentile(value, share) %}quantile_cont({{ value }}, {{ share }}){% endmacro %}
{% macro spark__percentile(value, share) %}percentile({{ value }}, {{ share }}){% endmacro %}
