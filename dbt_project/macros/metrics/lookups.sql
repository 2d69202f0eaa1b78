{# Whether rows of quality.lookups that found nothing are worth a message: some at all, and a
   part of all rows or of their money. Visits are never all known, so of those more may miss. #}
{% macro is_material() -%}
    (
        orphan_rows >= {{ var('orphan_rows') }}
        and greatest(orphan_rate, coalesce(orphan_amount_rate, 0))
        >= case
            when looks_for in ('session', 'visitor') then {{ var('orphan_visit_rate') }}
            else {{ var('orphan_rate') }}
        end
    )
{%- endmacro %}
