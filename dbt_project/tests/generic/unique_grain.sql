{# The named columns together identify a row. A row that is tested may repeat one that is not. #}
{% test unique_grain(model, columns) %}
{%- set tested = only_tested_rows(model.identifier) %}
select {{ columns | join(', ') }}, count(*) as row_count
from {{ model }}
{%- if tested != 'true' %}
where ({{ columns | join(', ') }}) in (
    select {{ columns | join(', ') }} from {{ model }} where {{ tested }}
)
{%- endif %}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
