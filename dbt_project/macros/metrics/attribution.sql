{# How the credit for a conversion is shared out over the touches before it. #}

{# The rules, as they are named in the marts. Their credits are never mixed. #}
{% macro attribution_models() -%}
    {{ return(['first', 'last', 'last_non_direct', 'linear', 'position', 'time_decay']) }}
{%- endmacro %}

{# A share of 1 as an exact number: sums of credits must not depend on their order. #}
{% macro credit_share(value) -%}
    cast({{ value }} as decimal(13, 12))
{%- endmacro %}

{# The rows of a relation with `touch_number`, `touch_count` and a `credit_<model>` for each model.
   The relation has one row per conversion and touch:

   conversion_key, converted_at  the conversion and its instant
   touched_at, touch_id          instant of the touch and what breaks ties in time, unique
   is_direct                     the visitor came without being sent by anybody

   first, last       all to that touch
   last_non_direct   all to the last touch that is not direct; to the last if all are
   linear            equal shares
   position          40 % to the first and the last, the rest equally between; two touches half each
   time_decay        by age at the conversion, with a half-life of 7 days

   Credits have 12 decimals and the last touch takes what is left, so they sum to exactly 1. #}
{% macro credit_touches(relation) %}
    {%- set shared = ['linear', 'position', 'time_decay'] %}
    select
        *,
        {{ credit_share('case when touch_number = 1 then 1 else 0 end') }} as credit_first,
        {{ credit_share('case when touch_number = touch_count then 1 else 0 end') }} as credit_last,
        {{ credit_share(
            'case when touch_number = coalesce(last_sent_number, touch_count) then 1 else 0 end'
        ) }} as credit_last_non_direct,
        {% for model in shared %}
            case
                when touch_number < touch_count then share_{{ model }}
                else {{ credit_share(
                    '1 - (sum(share_' ~ model ~ ') over (partition by conversion_key) - share_'
                    ~ model ~ ')'
                ) }}
            end as credit_{{ model }}{{ ',' if not loop.last }}
        {% endfor %}
    from (
        select
            *,
            {{ credit_share(ratio('1', 'touch_count')) }} as share_linear,
            {{ credit_share(
                'case when touch_count <= 2 then ' ~ ratio('1', 'touch_count')
                ~ ' when touch_number in (1, touch_count) then 0.4 else '
                ~ ratio('0.2', 'touch_count - 2') ~ ' end'
            ) }} as share_position,
            {{ credit_share(ratio('weight', 'weight_total')) }} as share_time_decay
        from (
            select
                *,
                max(case when not is_direct then touch_number end) over (
                    partition by conversion_key
                ) as last_sent_number,
                sum(weight) over (partition by conversion_key) as weight_total
            from (
                select
                    *,
                    row_number() over (
                        partition by conversion_key
                        order by touched_at, touch_id
                    ) as touch_number,
                    count(*) over (partition by conversion_key) as touch_count,
                    cast(
                        power(
                            0.5,
                            {{ seconds_between('touched_at', 'converted_at') }}
                            / (86400.0 * {{ var('attribution_half_life_days') }})
                        ) as decimal(19, 18)
                    ) as weight
                from {{ relation }}
            ) as numbered
        ) as weighed
    ) as shares
{% endmacro %}
