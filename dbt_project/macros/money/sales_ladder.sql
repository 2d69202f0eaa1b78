{# The rungs between what was ordered and what is left after refunds, in order; then whether a rung
   is a subtotal of those above it, which sums leave out. #}
{% macro ladder_rungs() -%}
    {{ return([
        ['placed', false],
        ['unpaid_closed', false],
        ['awaiting_payment', false],
        ['deposit_pending', false],
        ['paid_on_another_day', false],
        ['paid', true],
        ['refunded_before_shipping', false],
        ['refunded_after_shipping', false],
        ['returned', false],
        ['net', true]
    ]) }}
{%- endmacro %}

{# The rungs as a small table, one row per rung and rung that is summed in it: itself, and for a
   subtotal all above it. #}
{% macro listed_rungs() %}
    {%- set rows = [] -%}
    {%- for rung in ladder_rungs() -%}
        {%- set number = loop.index -%}
        {%- for other in ladder_rungs() if not other[1] -%}
            {%- if other[0] == rung[0] or rung[1] and ladder_rungs().index(other) < number - 1 -%}
                {%- do rows.append([
                    number, "'" ~ rung[0] ~ "'", rung[1] | lower, "'" ~ other[0] ~ "'"
                ]) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ listed(['rung_number', 'rung', 'is_subtotal', 'summed_rung'], rows) }}
{% endmacro %}

{# What part of an order that was not paid is. #}
{% macro unpaid_rung(status) -%}
    case
        when {{ status }} = 'deposit_paid' then 'deposit_pending'
        when {{ status }} = 'unpaid' then 'awaiting_payment'
        else 'unpaid_closed'
    end
{%- endmacro %}

{# The one rung of a refund. Exports give no instant of shipping, so an order that is shipped or
   completed now counts as shipped at the time of its refund, any other as not. #}
{% macro refund_rung(kind, order_status) -%}
    case
        when {{ kind }} = 'return' then 'returned'
        when {{ order_status }} in ('shipped', 'completed') then 'refunded_after_shipping'
        else 'refunded_before_shipping'
    end
{%- endmacro %}
