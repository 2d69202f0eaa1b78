{# How sure a silence is, in nats: minus the logarithm of the chance that a whole day of
   int_completeness_expectations has no rows after its last one.

   The level of a day scatters like a Gamma of shape 16 (a quarter up or down) around what is
   expected; given the rows that came, those still to come are negative binomial, and their chance
   to be none has a closed form. Rows that come together are counted once. #}
{% macro silence(expectations) -%}
    {%- set arrived = ratio(expectations ~ '.arrived_rows', expectations ~ '.rows_at_once') -%}
    {%- set expected = ratio(expectations ~ '.expected_rows', expectations ~ '.rows_at_once') -%}
    {%- set later = ratio(expectations ~ '.expected_later_rows', expectations ~ '.rows_at_once') -%}
    (
        ({{ level_shape() }} + {{ arrived }})
        * ln({{ ratio(level_shape() ~ ' + ' ~ expected, level_shape() ~ ' + ' ~ expected ~ ' - ' ~ later) }})
    )
{%- endmacro %}

{# Chernoff's bound for a negative binomial count above its mean, in nats: the chance of as many rows
   or more is at most exp(-surprise). The mean scatters as conversion does from day to day, a seventh
   up or down: of a large shop a day that converts a half better is no wonder, whatever its size. #}
{% macro surprise(counted, mean) -%}
    (
        {{ counted }} * ln({{ ratio('greatest(' ~ counted ~ ', 0.5)', mean) }})
        - ({{ counted }} + {{ conversion_shape() }})
        * ln({{ ratio(counted ~ ' + ' ~ conversion_shape(), mean ~ ' + ' ~ conversion_shape()) }})
    )
{%- endmacro %}

{# Whether the rows of a day stop too early to be chance. A holiday and its eve end early by nature:
   there less than half of the rows must have come as well. #}
{% macro breaks_off(expectations) -%}
    (
        {{ expectations }}.is_intraday
        and {{ expectations }}.last_hour < 22
        and {{ silence(expectations) }} >= {{ sure_silence() }}
        and (
            not {{ expectations }}.is_near_holiday
            or {{ expectations }}.arrived_rows < 0.5 * {{ expectations }}.expected_rows
        )
    )
{%- endmacro %}

{# Chosen on simulated shops (benchmarks/completeness_score.py), other seeds than those it scores. #}
{% macro level_shape() %}16.0{% endmacro %}
{% macro conversion_shape() %}50.0{% endmacro %}
{% macro sure_silence() %}8.0{% endmacro %}
{% macro silent_rows() %}6.0{% endmacro %}
{# of which little came may be lost on less evidence than of which half did #}
{% macro sure_tracking_loss(rows) -%}
    case when {{ rows }}.arrived_rows < 0.25 * {{ rows }}.expected_rows then 4.0 else 7.0 end
{%- endmacro %}
