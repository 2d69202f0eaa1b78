{# An amount of `items` in the reporting currency. One that names no currency is in that of its
   `orders` row and takes the order's rate, without one it is not known; all others were converted when they landed. #}
{% macro at_the_orders_rate(column, decimals) -%}
    case
            when items.currency is null and coalesce(orders.exchange_rate, 0) != 1
                then cast(
                    round(items.{{ column }} * orders.exchange_rate, {{ decimals }})
                    as decimal(18, {{ decimals }})
                )
            else items.{{ column }}
        end
{%- endmacro %}
