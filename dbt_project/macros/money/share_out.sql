{# Shares an amount of an order over its lines, to the cent, by largest remainder.

   relation  CTE with `order_key`, `line_number`, `value_cents` (weight), `value_total_cents` (sum of
             the order's weights) and `position` (1 = the line that takes all if no line has value)
   total     column with the amount to share, in cents; NULL: each line keeps its own value
   name      column to add; helper columns `<name>_floor` and `<name>_remainder` come with it

   Integer arithmetic throughout; ties go to the larger value, then the lower line number. #}
{% macro share_out(relation, total, name) %}
    select
        *,
        case
            when {{ total }} is null then value_cents
            else {{ name }}_floor
            + case
                when row_number() over (
                    partition by order_key
                    order by {{ name }}_remainder desc, value_cents desc, line_number asc
                ) <= {{ total }} - sum({{ name }}_floor) over (partition by order_key) then 1
                else 0
            end
        end as {{ name }}
    from (
        select
            *,
            case
                when value_total_cents > 0
                    then {{ floor_div(total ~ ' * value_cents', 'value_total_cents') }}
                when position = 1 then {{ total }}
                else 0
            end as {{ name }}_floor,
            case
                when value_total_cents > 0
                    then {{ total }} * value_cents
                    - {{ floor_div(total ~ ' * value_cents', 'value_total_cents') }} * value_total_cents
                else 0
            end as {{ name }}_remainder
        from {{ relation }}
    ) as floors
{% endmacro %}

{# Integer quotient, rounded down also below zero; the denominator is positive. #}
{% macro floor_div(numerator, denominator) -%}
    (
        {{ quotient(numerator, denominator) }}
        - case when ({{ numerator }}) % {{ denominator }} < 0 then 1 else 0 end
    )
{%- endmacro %}

{# Money from cents. #}
{% macro from_cents(amount) -%}
    cast(cast({{ amount }} as decimal(20, 2)) / 100 as decimal(18, 2))
{%- endmacro %}
