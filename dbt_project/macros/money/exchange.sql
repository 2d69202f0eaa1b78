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

{# Refunds, costs and payouts that name no currency are in that of their order, `foreign_currency`
   where it is not the reporting one. They take the rate of their day, else the latest of the seven
   days before, else the order's own; these three say so in a join of `rates`, its choice, the sum. #}
{% macro is_a_rate_of(relation, day) -%}
    {{ relation }}.foreign_currency = rates.currency
            and rates.rate_date between {{ relation }}.{{ day }} - 7 and {{ relation }}.{{ day }}
{%- endmacro %}
{% macro is_the_latest_rate(key) -%}
    row_number() over (
            partition by {{ key | join(', ') }}
            order by rates.rate_date desc, rates._version_at desc, rates._batch_id desc
        ) = 1
{%- endmacro %}
{% macro at_the_days_rate(relation) -%}
    cast(
            case
                when {{ relation }}.foreign_currency is null then {{ relation }}.delivered_amount
                else round(
                    {{ relation }}.delivered_amount
                    * coalesce(rated.rate, {{ relation }}.exchange_rate), 2
                )
            end as decimal(18, 2)
        )
{%- endmacro %}
