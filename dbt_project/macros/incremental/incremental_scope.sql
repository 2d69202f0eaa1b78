{# What a partial run reads and replaces, from the logs of the tables above. #}

{# Temporary table with the keys of this run. #}
{% macro scope_name() -%}
    {{ return('scope__' ~ model.name) }}
{%- endmacro %}

{# What a query gives in its first column, as literals. The query stays beside them in a comment: the
   statement is kept, and sent again with what the query gives then, see
   orchestration/build/kept_builds.py. A literal is a date or a number where it is compared with one. #}
{% macro asked(query) %}
    {% set found = run_query(query).rows | map(attribute=0) | reject('none') | list %}
    {% set inside = query | replace('/*', '/~*') | replace('*/', '*~/') %}
    {% set values = "'" ~ found | join("', '") ~ "'" if found else 'null' %}
    {{ return('/* asked ' ~ inside ~ ' */ ' ~ values ~ ' /* answered */') }}
{% endmacro %}

{# Condition, known before the statement runs: a query has a row. What is behind it is not even read. #}
{% macro asked_whether(query) %}
    {{ return('(' ~ asked("select case when exists (" ~ query ~ ") then 'yes' else 'no' end") ~ " = 'yes')") }}
{% endmacro %}

{# Whether this run replaces rows of this table, or builds it in full. Full also if a table above
   was built in full since, or nothing is known of the last build. Ask only while executing. #}
{% macro is_partial() %}
    {# A unit test has no `this`, and is always about the full form. #}
    {% if not this or not is_incremental() %}
        {{ return(false) }}
    {% endif %}
    {% set names = model.config.meta.replace.affected.keys() | list %}
    {{ return(run_query(
        "select " ~ last_run('seq') ~ " is not null and not exists (select 1 from incremental.changes"
        ~ " where day is null and seq > " ~ last_run('seq') ~ " and model in ('"
        ~ names | join("', '") ~ "'))"
    ).rows[0][0]) }}
{% endmacro %}

{# Query of the affected days of this table: `day`, and `is_open` where all days from it on are. #}
{% macro affected_days() %}
    {% set rule = model.config.meta.replace %}
    {% set parts = [] %}
    {% for upstream, offsets in rule.affected.items() %}
        {% set first, last = render(offsets[0] | string) | int, render(offsets[1] | string) | int %}
        {% set all_offsets = range(first, last + 1) | list + offsets[2:] %}
        {% do parts.append(
            "select day + shift as day, " ~ (upstream in (rule.suffix or [])) ~ " as is_open"
            ~ " from incremental.changes, unnest(" ~ all_offsets ~ ") as s(shift)"
            ~ " where model = '" ~ upstream ~ "' and day is not null and seq > " ~ last_run('seq')
        ) %}
    {% endfor %}
    {{ return("select day, bool_or(is_open) as is_open from (" ~ parts | join(" union all ")
        ~ ") as affected group by day") }}
{% endmacro %}

{% macro first_affected_day() %}
    {{ return("select cast(min(day) as varchar) from (" ~ affected_days() ~ ") as affected") }}
{% endmacro %}

{# Condition: `day` is affected. No affected day: no row. #}
{% macro in_affected_days(day) %}
    {% set days = "(" ~ affected_days() ~ ") as affected" %}
    {% set found = day ~ " in (" ~ asked("select cast(day as varchar) from " ~ days ~ " order by day") ~ ")" %}
    {% if model.config.meta.replace.suffix %}
        {% set since = asked("select cast(min(day) as varchar) from " ~ days ~ " where is_open") %}
        {% set found = found ~ " or " ~ day ~ " >= cast(" ~ since ~ " as date)" %}
    {% endif %}
    {{ return('(' ~ found ~ ')') }}
{% endmacro %}

{# For a model with rows='day': the condition on a day of what it reads. Days may be read up to
   `before` days before and `after` days after an affected one. #}
{% macro only_affected_days(day, before=0, after=0) -%}
    {%- if not (execute is defined and execute and is_partial()) -%}
        true
    {%- elif before == 0 and after == 0 -%}
        {{ in_affected_days(day) }}
    {%- else -%}
        {{ day }} >= cast({{ asked(first_affected_day()) }} as date) - {{ before }}
        and {{ day }} <= cast({{ asked(
            "select cast(case when bool_or(is_open) then date '9999-01-01' else max(day) end as varchar)"
            ~ " from (" ~ affected_days() ~ ") as affected"
        ) }} as date) + {{ after }}
    {%- endif -%}
{%- endmacro %}

{# For a model with rows='day' whose days go on from one another: SQL of the day before the first
   affected one, of which the table itself says where they begin; NULL without any. None in a full
   build. #}
{% macro day_before_affected() %}
    {% if execute is defined and execute and is_partial() %}
        {{ return('cast(' ~ asked(first_affected_day()) ~ ' as date) - 1') }}
    {% endif %}
    {{ return(none) }}
{% endmacro %}

{# For a model with rows='key': the condition on a key of what it reads. Makes the scope. #}
{% macro only_touched_keys(key, last_part=none) -%}
    {%- if not (execute is defined and execute and is_partial()) -%}
        true
    {%- else -%}
        {%- do make_key_scope() -%}
        {{ in_key_scope(key, last_part) }}
    {%- endif -%}
{%- endmacro %}

{# Condition: a key is in the scope. Of a large table `last_part`, the pseudonym that ends the key, is
   looked at first: where a column as it stands can be none of them, others are not even read. #}
{% macro in_key_scope(key, last_part=none) -%}
    {%- if last_part -%}
        {{ last_part }} in (select split_part(key, '|', -1) from {{ scope_name() }}) and{{ ' ' }}
    {%- endif -%}
    {{ key }} in (select key from {{ scope_name() }})
{%- endmacro %}

{% macro make_key_scope() %}
    {% set parts = [] %}
    {% for upstream, rule in model.config.meta.replace.affected.items() %}
        {% set is_one_path = rule is string or rule[0] is not string and rule[0][0] is string %}
        {% for path in ([rule] if is_one_path else rule) %}
            {% set keys = namespace(sql="select key from incremental.touched where model = '"
                ~ upstream ~ "' and seq > " ~ last_run('seq')) %}
            {% for hop in path if path is not string %}
                {% set table = graph.nodes['model.' ~ project_name ~ '.' ~ hop[0]].relation_name %}
                {% set keys.sql = "select " ~ hop[2] ~ " as key from " ~ table ~ " where " ~ hop[1]
                    ~ " in (" ~ keys.sql ~ ")" %}
            {% endfor %}
            {% do parts.append(keys.sql) %}
        {% endfor %}
    {% endfor %}
    {% do run_query(
        "create or replace temp table " ~ scope_name() ~ " as select distinct key from ("
        ~ parts | join(" union all ") ~ ")"
    ) %}
{% endmacro %}
