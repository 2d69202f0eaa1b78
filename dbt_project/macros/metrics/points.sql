{# A value as points: 100 from `good` on, 0 from `bad` on, in between along a line; NULL if unknown. #}
{% macro points(value, good, bad) -%}
    case
        when {{ value }} is not null
            then least(greatest(
                100 * ({{ value }} - cast({{ bad }} as double))
                / nullif(cast(cast({{ good }} as double) - {{ bad }} as double), 0), 0
            ), 100)
    end
{%- endmacro %}
