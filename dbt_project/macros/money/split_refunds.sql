{# Splits refunds into goods and the rest, to the cent.

   relation  CTE with `source`, `refund_id`, `refunded_at`, `base_cents` (the amount), `told_cents`
             (its goods, where the export says so, else NULL), `cell_key` (the order it is of) and of
             that order `goods_cents` and `rest_cents` (what was paid) and `slack_cents` (how far
             amounts that were converted may be off)

   Adds `split_cents`, the goods. What is told comes first, and so does an amount that is just the
   goods or just the rest of its order; all others are shared pro rata of what these leave of both.
   All go by what has gone back so far, so that refunds in steps come to what one would be, and goods
   never to more than were paid. NULL: the goods are unknown. #}
{% macro split_refunds(relation) %}
    select
        *,
        case
            when goods_cents is null then null
            else {{ told_through('told_so_far_cents') }}
            - {{ told_through('told_so_far_cents - coalesce(known_cents, 0)') }}
            + {{ shared_through('shared_so_far_cents') }}
            - {{ shared_through('shared_so_far_cents - shared_cents') }}
        end as split_cents
    from (
        select
            *,
            goods_cents - {{ told_through('told_total_cents') }} as goods_left_cents,
            goods_cents - {{ told_through('told_total_cents') }}
            + greatest(rest_cents - told_rest_cents, 0) as value_total_cents
        from (
            select
                *,
                coalesce(sum(known_cents) over (partition by cell_key), 0) as told_total_cents,
                sum(case when known_cents is not null then base_cents - known_cents else 0 end)
                    over (partition by cell_key) as told_rest_cents,
                sum(coalesce(known_cents, 0)) over (
                    partition by cell_key order by refunded_at, source, refund_id
                ) as told_so_far_cents,
                case when known_cents is null then base_cents else 0 end as shared_cents,
                sum(case when known_cents is null then base_cents else 0 end) over (
                    partition by cell_key order by refunded_at, source, refund_id
                ) as shared_so_far_cents
            from (
                select
                    *,
                    case
                        when told_cents is not null then told_cents
                        when abs(base_cents - goods_cents) <= slack_cents then base_cents
                        when abs(base_cents - rest_cents) <= slack_cents then 0
                    end as known_cents
                from {{ relation }}
            ) as marked
        ) as summed
    ) as left_over
{% endmacro %}

{# The goods of told refunds up to an amount. #}
{% macro told_through(cents) -%}
    case
                when {{ cents }} > 0 and {{ cents }} >= goods_cents - slack_cents then goods_cents
                else {{ cents }}
            end
{%- endmacro %}

{# The goods of all other refunds up to an amount. #}
{% macro shared_through(cents) -%}
    case
                when {{ cents }} <= 0 or goods_left_cents = 0 then 0
                when {{ cents }} >= value_total_cents - slack_cents then goods_left_cents
                -- to the nearest cent
                else {{ floor_div('(' ~ cents ~ ') * goods_left_cents', 'value_total_cents') }}
                + case
                    when 2 * ((({{ cents }}) * goods_left_cents) % value_total_cents)
                        >= value_total_cents
                        then 1
                    else 0
                end
            end
{%- endmacro %}
