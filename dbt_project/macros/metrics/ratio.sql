{# The one way to divide: NULL where the denominator is zero or unknown, DOUBLE otherwise. #}
{% macro ratio(numerator, denominator) -%}
    (cast({{ numerator }} as double) / nullif(cast({{ denominator }} as double), 0))
{%- endmacro %}

{# A sum whose rows come from a feed: NULL, not zero, where no feed tells. What stands there all the
   same, such as the visitors that a marketplace reports, is left. #}
{% macro unless_unknown(sum, is_known) -%}
    case when {{ is_known }} then {{ sum }} else nullif({{ sum }}, 0) end
{%- endmacro %}
