{# Orders as they count, of the main orders this run is about. A parent order that was split is
   left out: its amounts are those of its children. #}
{% macro counted_orders() %}
    select *
    from {{ ref('stg_raw__orders') }}
    where {{ only_touched_keys('main_order_key') }}
    qualify
        parent_order_id is not null
        or not bool_or(parent_order_id is not null) over (partition by main_order_key)
{% endmacro %}
