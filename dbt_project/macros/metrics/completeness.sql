{# Whether the rows of a day of int_completeness_expectations stop earlier than on any of the 28 days
   before, with more of them expected. #}
{% macro breaks_off(expectations) -%}
    (
        {{ expectations }}.is_intraday
        and {{ expectations }}.last_hour < 22
        and {{ expectations }}.last_hour + 1 < {{ expectations }}.earliest_last_hour
        and {{ expectations }}.expected_later_rows >= 5
    )
{%- endmacro %}
