{# Which rows data tests look at. A partial run changed few rows and the others passed when they
   were built, so a test that can stop the run reads only rows of days and keys that this run
   logged; at least once a week, and on full builds, all. A test that only warns always reads all:
   what it warned of must not be forgotten because nothing touched it.

   By themselves the statements read all rows, and are the same on every run. They say in a comment
   beside `true` which rows a partial run looks at; orchestration/build/data_tests.py puts it there. #}

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

{# Condition on the rows of an incremental table, or of a view of some; of others all are tested.
   `around`: a condition with %s for this one. #}
{% macro only_tested_rows(name, around='%s') %}
    {% set models = 'model.' ~ project_name ~ '.' %}
    {% set node = graph.nodes.get(models ~ name) if execute %}
    {# A view has the rows, and the logs, of others. #}
    {% set names = node.config.meta.get('rows_of', [name]) if node %}
    {% set rule = graph.nodes[models ~ names[0]].config.meta.replace if node %}
    {% if rule and rule.day %}
        {# Rows without a day are in no log of days, and are few. #}
        {% set around = around | replace('%s', '(' ~ rule.day ~ ' is null or %s)') %}
        {{ return(tested_part(names, {'day': rule.day, 'around': around})) }}
    {% elif rule and rule.touch %}
        {{ return(tested_part(names, {'key': rule.touch, 'around': around})) }}
    {% endif %}
    {{ return('true') }}
{% endmacro %}

{# Condition: `day` is one that any of the named incremental tables logged in this run. #}
{% macro only_tested_days(day, names) %}
    {{ return(tested_part(names, {'day': day})) }}
{% endmacro %}

{# Condition: `key` is one that any of the named tables logged; `last_part` as `in_key_scope` has it. #}
{% macro only_tested_keys(key, names, last_part) %}
    {{ return(tested_part(names, {'key': key, 'last_part': last_part})) }}
{% endmacro %}

{# Condition: all rows are tested. #}
{% macro only_all_rows(names) %}
    {{ return(tested_part(names, {})) }}
{% endmacro %}

{% macro tested_part(names, rule) %}
    {% set is_asked = execute is defined and execute and has_incremental_tables() %}
    {% if not is_asked or config.get('severity', 'error') | lower == 'warn' %}
        {{ return('true') }}
    {% endif %}
    {{ return('true /* tested ' ~ tojson(dict(rule, of=names)) ~ ' */') }}
{% endmacro %}
