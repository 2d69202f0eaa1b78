{# Fully paid, also if later closed or refunded: the order's goods count as GMV. #}
{% macro is_fully_paid() -%}
    (paid_at is not null and status not in ('unpaid', 'deposit_paid'))
{%- endmacro %}

{# How far an order has come; of several child orders the least advanced speaks for the whole. #}
{% macro status_rank(status) -%}
    case {{ status }}
        when 'unpaid' then 1
        when 'deposit_paid' then 2
        when 'paid' then 3
        when 'shipped' then 4
        when 'completed' then 5
        when 'refunded' then 6
        when 'closed' then 7
        else 8
    end
{%- endmacro %}
