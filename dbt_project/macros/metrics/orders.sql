{# Fully paid, also if later closed or refunded: the order's goods count as GMV. #}
{% macro is_fully_paid() -%}
    (paid_at is not null and status not in ('unpaid', 'deposit_paid'))
{%- endmacro %}

{# An order counts unless it is a parent that was split: its amounts are those of its children. #}
{% macro is_counted() -%}
    (
        parent_order_id is not null
        or not bool_or(parent_order_id is not null) over (partition by main_order_key)
    )
{%- endmacro %}
