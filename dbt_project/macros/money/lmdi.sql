{#
The additive logarithmic mean Divisia index (LMDI-I, Ang 2004) of
    GMV = ((V x s x C + U) x F + N) x A,
nested through the sums, with zeros by their analytic limits. The sum of the effects is exact.

Level by level: T = V s C tracked buyers, B = T + U buyers, I = B F identified orders,
O = I + N orders, G = O A. `L` is the logarithmic mean; the price of one more order is L(G)/L(O),
of one more buyer that times L(I)/L(B).
#}

{# ln(a / b) of two positive numbers, without loss of digits where they are close. #}
{% macro log_ratio(a, b) -%}
    case
        when {{ a }} <= 2 * {{ b }} and {{ b }} <= 2 * {{ a }}
            then 2 * atanh(({{ a }} - {{ b }}) / nullif({{ a }} + {{ b }}, 0))
        else ln({{ a }} / nullif({{ b }}, 0))
    end
{%- endmacro %}

{# L(a, b) = (a - b) / ln(a / b), with L(a, a) = a and L(a, 0) = 0. #}
{% macro log_mean(a, b) -%}
    case
        when {{ a }} <= 0 or {{ b }} <= 0 then cast(0 as double)
        when abs({{ a }} - {{ b }}) <= 1e-7 * greatest({{ a }}, {{ b }})
            then ({{ a }} + {{ b }}) / 2
        else ({{ a }} - {{ b }}) / ({{ log_ratio(a, b) }})
    end
{%- endmacro %}

{# L(y) / L(x) where x is a factor of y; with x zero on one side it is y / x of the other side. #}
{% macro log_mean_quotient(y, x) -%}
    case
        when {{ x }} = 0 and base_{{ x }} = 0 then cast(0 as double)
        when base_{{ x }} = 0 then {{ y }} / {{ x }}
        when {{ x }} = 0 then base_{{ y }} / base_{{ x }}
        else ({{ log_mean(y, 'base_' ~ y) }}) / ({{ log_mean(x, 'base_' ~ x) }})
    end
{%- endmacro %}

{#
The last factor of `product` = `rest` x factor, where the factor is product / rest: the change of
the product's value is its own unless `rest` is zero on a side, where it is undefined (0/0) and
the factor before it takes the change.
#}
{% macro last_factor_effect(product, rest) -%}
    case
        when {{ rest }} = 0 or base_{{ rest }} = 0 then cast(0 as double)
        when {{ product }} = 0 or base_{{ product }} = 0 then {{ product }} - base_{{ product }}
        else ({{ log_mean(product, 'base_' ~ product) }}) * ({{ log_ratio(
            '(' ~ product ~ ' / ' ~ rest ~ ')', '(base_' ~ product ~ ' / base_' ~ rest ~ ')'
        ) }})
    end
{%- endmacro %}

{#
One factor of tracked buyers = V x s x C. Both sides positive: its logarithmic share. Zero on one
side: all of the change where `is_first_zero` says that the factor is the first zero of the chain.
#}
{% macro tracked_factor_effect(factor, base_factor, is_first_zero) -%}
    case
        when tracked_buyers > 0 and base_tracked_buyers > 0
            then ({{ log_mean('tracked_buyers', 'base_tracked_buyers') }})
                * ({{ log_ratio(factor, base_factor) }})
        when {{ is_first_zero }} then tracked_buyers - base_tracked_buyers
        else cast(0 as double)
    end
{%- endmacro %}

{#
All columns of `relation` and the seven effects. It needs, as DOUBLE on both sides (`base_` for
the base): company_visitors, visitors, tracked_buyers, untracked_buyers, buyers,
identified_orders, anonymous_orders, orders, gmv; with tracked_buyers zero where visitors are,
and identified_orders zero where buyers are. Effects are never NULL.
#}
{% macro lmdi(relation) -%}
    select
        *,
        gmv - base_gmv as gmv_change,
        buyer_price * ({{ tracked_factor_effect(
            'company_visitors', 'base_company_visitors', 'zero_visitors_company = 0'
        ) }}) as visitors_effect,
        buyer_price * ({{ tracked_factor_effect(
            '(visitors / company_visitors)', '(base_visitors / base_company_visitors)',
            'zero_visitors_company > 0 and zero_visitors = 0'
        ) }}) as mix_effect,
        buyer_price * ({{ tracked_factor_effect(
            '(tracked_buyers / visitors)', '(base_tracked_buyers / base_visitors)',
            'zero_visitors > 0'
        ) }}) as conversion_effect,
        buyer_price * (untracked_buyers - base_untracked_buyers) as untracked_buyers_effect,
        order_price * ({{ last_factor_effect('identified_orders', 'buyers') }})
            as orders_per_buyer_effect,
        order_price * (anonymous_orders - base_anonymous_orders) as anonymous_orders_effect,
        {{ last_factor_effect('gmv', 'orders') }} as aov_effect
    from (
        select
            *,
            {{ log_mean_quotient('gmv', 'orders') }} as order_price,
            ({{ log_mean_quotient('gmv', 'orders') }})
            * ({{ log_mean_quotient('identified_orders', 'buyers') }}) as buyer_price,
            {# the visitors of the side on which no buyer is tracked #}
            case when base_tracked_buyers = 0 then base_company_visitors else company_visitors end
                as zero_visitors_company,
            case when base_tracked_buyers = 0 then base_visitors else visitors end as zero_visitors
        from {{ relation }}
    ) as priced
{%- endmacro %}
