{# What incremental tables remember. Schema `incremental` of the build file, written in the same
   transaction as the table it speaks of:

   runs(seq, raw_seq)             one row, of the last run: its number, strictly increasing, and
                                  the ledger sequence it reads up to, pinned at its start
   state(model, seq, raw_seq)         the runs that built a table; the newest counts
   changes(model, seq, day)           days whose rows differ since; NULL day: rebuilt in full
   touched(model, seq, key, first_at, last_at)  keys whose rows differ since, with the span of
                                      instants of the differing rows where the table has instants

   Readers act on what upstream wrote with seq above their own newest state, so a run that left a
   table out, or failed before it, is made up for by the next. #}

{% macro prepare_incremental() %}
    {% if execute and has_incremental_tables() %}
        {# Not adapter.get_relation: it opens a transaction that dbt rolls back after the hooks. #}
        {% set batches = run_query(
            "select 1 from information_schema.tables"
            ~ " where table_schema = 'raw' and table_name = 'batches'"
        ).rows | length > 0 %}
        {% set started = (run_started_at.timestamp() * 1000000) | int %}
        create schema if not exists incremental;
        create table if not exists incremental.runs (seq bigint, raw_seq bigint);
        create table if not exists incremental.state (model varchar, seq bigint, raw_seq bigint);
        create table if not exists incremental.changes (model varchar, seq bigint, day date);
        create table if not exists incremental.touched (
            model varchar, seq bigint, key varchar, first_at timestamp, last_at timestamp
        );
        {{ prune_incremental() }}
        insert into incremental.runs
        select
            greatest({{ var('run_seq', started) }}, coalesce(max(seq), 0) + 1),
            {% if batches %}(select coalesce(max(seq), 0) from raw.batches){% else %}0{% endif %}
        from incremental.runs;
        delete from incremental.runs where seq < (select max(seq) from incremental.runs)
    {% endif %}
{% endmacro %}

{# Drops what every table has already acted on. #}
{% macro prune_incremental() %}
    {% for log in ['changes', 'touched'] %}
        delete from incremental.{{ log }}
        where seq <= (
            select min(seq)
            from (select max(seq) as seq from incremental.state group by model) as newest
        );
    {% endfor %}
    delete from incremental.state
    where seq < (select max(s.seq) from incremental.state as s where s.model = state.model);
{% endmacro %}

{# SQL of a column of this run, and of the last run that built this table. #}
{% macro this_run(column) %}{{ return('(select ' ~ column ~ ' from incremental.runs)') }}{% endmacro %}
{% macro last_run(column) %}
    {{ return(
        '(select max(' ~ column ~ ") from incremental.state where model = '" ~ model.name ~ "')"
    ) }}
{% endmacro %}

{# Hook before: a full build tells its readers that every day may differ. #}
{% macro note_full_build() %}
    {% if execute and has_incremental_tables() and not is_incremental() %}
        insert into incremental.changes
        select '{{ model.name }}', seq, null
        from incremental.runs
    {% endif %}
{% endmacro %}

{# Hook after: this table now holds what this run could see. #}
{% macro remember_state() %}
    {% if execute and has_incremental_tables() %}
        insert into incremental.state
        select '{{ model.name }}', seq, raw_seq
        from incremental.runs
    {% endif %}
{% endmacro %}
