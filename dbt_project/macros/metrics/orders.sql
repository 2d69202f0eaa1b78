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

{# An order id without what spreadsheets and shops write around it; landing takes off most. Leading
   zeros are part of it. #}
{% macro plain_order_id(id) -%}
    coalesce(
        nullif(regexp_extract({{ id }}, '^[#'']*([0-9]+)[.]0$', 1), ''),
        nullif(regexp_extract({{ id }}, '^[#'']+([0-9A-Za-z].*)$', 1), ''),
        {{ id }}
    )
{%- endmacro %}

{# The rows of a relation with the order that each names: `own_order_id`, and `own_order_key` within
   `scope`. A name that is an order's own id means that order, one that stands for exactly one order
   means that one, any other is left as it is and finds none.

   relation  CTE with `name` and the columns of scope
   scope     columns that an order id is unique in: source, or platform and shop
   name      the column that names the order #}
{% macro with_own_orders(relation, scope, name='order_id') %}
    {%- set scoped = [] %}
    {%- for column in scope %}
        {%- do scoped.append(relation ~ '.' ~ column) %}
    {%- endfor %}
    {%- set named = relation ~ '.' ~ name %}
    {%- set plain = plain_order_id(named) %}
    {#- most events name no order, and need no look #}
    {%- set whole_key = 'case when ' ~ named ~ ' is not null then ' ~ join_key(scoped + [named]) ~ ' end' %}
    {%- set plain_key = 'case when ' ~ named ~ ' is not null then '
        ~ join_key(scoped + ['(' ~ plain ~ ')']) ~ ' end' %}
    select
        {{ relation }}.*,
        coalesce(itself.order_id, names.order_id, {{ plain }}) as own_order_id,
        coalesce(itself.own_key, names.own_key, {{ plain_key }}) as own_order_key
    from {{ relation }}
    left join {{ ref('stg_raw__order_aliases') }} as itself
        on {{ whole_key }} = itself.name_key and itself.name_key = itself.own_key
    left join {{ ref('stg_raw__order_aliases') }} as names
        on {{ plain_key }} = names.name_key
{% endmacro %}

{# Lines that tell of an order under two of its names tell of it twice: those under its own id
   count, else those under the first name. #}
{% macro is_told_once(items, orders) -%}
    rank() over (
        partition by {{ items }}.order_key
        order by {{ items }}.order_id <> {{ orders }}.order_id, {{ items }}.order_id
    ) = 1
{%- endmacro %}
