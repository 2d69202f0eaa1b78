{# The six dimensions of the GMV tables, beside the company row (`all`, `all`). #}
{% macro gmv_dimensions() -%}
    {{ return(['platform', 'shop', 'channel', 'device', 'region', 'customer_type']) }}
{%- endmacro %}

{#
Groups rows with a never null column `<dimension>_segment` for each dimension by `keys`, once for
all of them together and once for each dimension; goes with `dimension_name` and `segment_name`.
#}
{% macro group_by_segments(keys) -%}
    group by
        grouping sets (
            ({{ keys | join(', ') }})
            {%- for dimension in gmv_dimensions() %},
            ({{ keys | join(', ') }}, {{ dimension }}_segment)
            {%- endfor %}
        )
{%- endmacro %}

{% macro dimension_name() -%}
    case
        {%- for dimension in gmv_dimensions() %}
        when {{ dimension }}_segment is not null then '{{ dimension }}'
        {%- endfor %}
        else 'all'
    end
{%- endmacro %}

{% macro segment_name() -%}
    coalesce(
        {%- for dimension in gmv_dimensions() %}{{ dimension }}_segment, {% endfor -%}
    'all')
{%- endmacro %}

{# Whether a known customer had paid an order before the day; `first_paid_date` is theirs. #}
{% macro customer_type(customer_key, first_paid_date, business_date) -%}
    case
        when {{ customer_key }} is null then '(unidentified)'
        when {{ first_paid_date }} < {{ business_date }} then 'returning'
        else 'new'
    end
{%- endmacro %}

{# The measures of a fact that add up within a cell. #}
{% macro gmv_measures() -%}
    {{ return([
        'visitors', 'buyers', 'identified_orders', 'orders', 'units', 'new_buyers',
        'gmv', 'net_sales', 'net_sales_by_order_date'
    ]) }}
{%- endmacro %}

{# The counts of a cell, which add up over platforms. #}
{% macro gmv_counts() -%}
    {{ return([
        'visitors', 'tracked_buyers', 'untracked_buyers', 'buyers', 'identified_orders',
        'anonymous_orders', 'orders', 'units', 'new_buyers'
    ]) }}
{%- endmacro %}

{# The amounts of a cell, which add up over platforms. #}
{% macro gmv_amounts() -%}
    {{ return(['gmv', 'net_sales', 'net_sales_by_order_date']) }}
{%- endmacro %}

{# What the change of GMV is explained from. #}
{% macro lmdi_measures() -%}
    {{ return([
        'visitors', 'tracked_buyers', 'untracked_buyers', 'buyers', 'identified_orders',
        'anonymous_orders', 'orders', 'gmv'
    ]) }}
{%- endmacro %}

{# A list of columns, `pattern` once for each name with `@` standing for it. #}
{% macro each_of(names, pattern) -%}
    {%- for name in names -%}
        {{ pattern.replace('@', name) }}{{ ',\n        ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
