{# A condition that is true in every row; a NULL outcome is a violation. #}
{% test holds(model, condition) %}
select *
from {{ model }}
where ({{ condition }}) is not true
{% endtest %}
