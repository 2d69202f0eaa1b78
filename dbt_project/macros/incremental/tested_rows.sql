{# Which rows data tests look at. A partial run changed few rows and the others passed when they
   were built, so a test that can stop the run reads only rows of days and keys that this run
   logged; at least once a week, and on full builds, all. A test that only warns always reads all:
   what it warned of must not be forgotten because nothing touched it. #}

{# Of dbt, which puts it around the table of every generic test. #}
{% macro get_where_subquery(relation) %}
    {% set conditions = [config.get('where')] if config.get('where') else [] %}
    {% if model.test_metadata.name != 'unique_grain' %}
        {% do conditions.append(only_tested_rows(relation.identifier)) %}
    {% endif %}
    {% set conditions = conditions | reject('equalto', 'true') | list %}
    {% if conditions %}
        {{ return('(select * from ' ~ relation ~ ' where ' ~ conditions | join(' and ') ~ ') as tested') }}
    {% endif %}
    {{ return(relation) }}
{% endmacro %}

{# Condition on the rows of an incremental table, or of a view of some; of others all are tested. #}
{% macro only_tested_rows(name) %}
    {% set models = 'model.' ~ project_name ~ '.' %}
    {% set node = graph.nodes.get(models ~ name) if execute %}
    {# A view has the rows, and the logs, of others. #}
    {% set names = node.config.meta.get('rows_of', [name]) if node %}
    {% set rule = graph.nodes[models ~ names[0]].config.meta.replace if node %}
    {% if not rule or tests_all(names) %}
        {{ return('true') }}
    {% elif rule.day %}
        {# Rows without a day are in no log of days, and are few. #}
        {{ return('(' ~ rule.day ~ ' is null or ' ~ only_tested_days(rule.day, names) ~ ')') }}
    {% elif rule.touch %}
        {{ return(rule.touch ~ ' in (' ~ logged('touched', 'key', names) ~ ')') }}
    {% endif %}
    {{ return('true') }}
{% endmacro %}

{# Condition: `day` is one that any of the named incremental tables logged in this run. #}
{% macro only_tested_days(day, names) %}
    {% if tests_all(names) %}
        {{ return('true') }}
    {% endif %}
    {% set days = run_query(logged('changes', 'day', names) ~ ' order by day').rows | map(attribute=0) | list %}
    {{ return(day ~ " in (date '" ~ days | join("', date '") ~ "')" if days else 'false') }}
{% endmacro %}

{# What the named tables logged in this run. #}
{% macro logged(log, column, names) -%}
    select distinct {{ column }}
    from incremental.{{ log }}
    where seq = {{ this_run().seq }} and model in ('{{ names | join("', '") }}')
{%- endmacro %}

{# Whether a test reads all rows: it only warns, the run asks for it, or a table was built in full. #}
{% macro tests_all(names) %}
    {% if not execute or flags.FULL_REFRESH or not has_incremental_tables() or config.get('severity', 'error') | lower == 'warn' or not this_run().seq %}
        {{ return(true) }}
    {% endif %}
    {% set in_part = run_query(
        "select count(*) from incremental.state where seq = " ~ this_run().seq
        ~ " and model in ('" ~ names | join("', '") ~ "')"
        ~ " and model not in (select model from incremental.changes where day is null and seq = "
        ~ this_run().seq ~ ") and not (select bool_or(tests_all) from raw.run)"
    ).rows[0][0] %}
    {{ return(in_part < names | length) }}
{% endmacro %}
