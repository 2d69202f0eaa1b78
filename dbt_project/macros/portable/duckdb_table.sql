{# A table of DuckDB, made under its own name. dbt's way makes it under another, renames the one
   there is, renames the new one and drops the old, for readers that would find none in between.
   Here nobody reads a build that is under way, and a statement that fails takes the drop back: the
   renaming alone was a tenth of the time of a small build. #}
{% materialization table, adapter='duckdb' %}
    {% set target = this.incorporate(type='table') %}
    {% set existing = load_cached_relation(this) %}
    {{ run_hooks(pre_hooks) }}
    {% if existing %}
        {% do adapter.drop_relation(existing) %}
    {% endif %}
    {% call statement('main') %}
        {{ create_table_as(false, target, compiled_code) }}
    {% endcall %}
    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}
