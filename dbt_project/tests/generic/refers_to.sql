{# Rows of `to` that the named columns stand for exist; one without all of them refers to none. #}
{% test refers_to(model, columns, to) %}
select tested.*
from (select * from {{ model }}) as tested
where
    {%- for column in columns %}
    tested.{{ column }} is not null and
    {%- endfor %}
    not exists (
        select 1
        from {{ to }} as held
        where
            {%- for column in columns %}
            held.{{ column }} = tested.{{ column }}{{ ' and' if not loop.last }}
            {%- endfor %}
    )
{% endtest %}
