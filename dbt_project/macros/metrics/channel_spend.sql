{# What is summed of the spend on a channel. #}
{% macro channel_spend_measures() -%}
    {{ return(['impressions', 'clicks', 'cost', 'claimed_conversions']) }}
{%- endmacro %}
