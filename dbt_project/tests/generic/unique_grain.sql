{# The named columns together identify a row. A row that is tested may repeat one that is not. #}
{% test unique_grain(model, columns) %}
{%- set named = columns | join(', ') %}
{%- set tested = only_tested_rows(
    model.identifier, '(' ~ named ~ ') in (select ' ~ named ~ ' from ' ~ model ~ ' where %s)'
) %}
select {{ named }}, count(*) as row_count
from {{ model }}
where {{ tested }}
group by {{ named }}
having count(*) > 1
{% endtest %}
