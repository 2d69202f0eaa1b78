{# The rows of a raw feed that count (FEEDS, rule 1). Versions are ordered by the data's own time
   and then the batch, never by arrival: for each unit the newest batch that has it wins with all
   its rows, then for each row key the newest of the rows left. Withdrawn batches do not count.
   A partial run reads only the row keys that a new, rejected or superseded batch could change. #}
{% macro latest_versions(feed) %}
    {%- set raw = source('raw', feed) -%}
    {%- set partial = is_partial() -%}
    {%- set ceiling = this_run().raw_seq -%}
    {%- if partial -%}
        {%- do make_version_scope(feed, ceiling) -%}
    {%- endif %}
    with

    versions as (
        select *
        from {{ raw }}
        where
            _is_active
            and _seq <= {{ ceiling }}
            {%- if partial %}
            and (source, _row_key) in (select source, row_key from {{ scope_name() }})
            {%- endif %}
    ),

    unit_batches as (
        select
            source,
            _unit_key,
            batch,
            max(_version_at) as unit_version_at
        {%- if partial %}
        from {{ raw }}
        where
            _is_active
            and _seq <= {{ ceiling }}
            and _unit_key <> _row_key
            and (source, _unit_key) in (select source, _unit_key from versions)
        {%- else %}
        from versions
        where _unit_key <> _row_key
        {%- endif %}
        group by source, _unit_key, batch
    ),

    unit_winners as (
        select source, _unit_key, batch
        from unit_batches
        qualify
            row_number() over (
                partition by source, _unit_key
                order by unit_version_at desc, batch desc
            ) = 1
    ),

    standing as (
        select versions.*
        from versions
        left join unit_winners
            on
                versions.source = unit_winners.source
                and versions._unit_key = unit_winners._unit_key
                and versions.batch = unit_winners.batch
        where versions._unit_key = versions._row_key or unit_winners.batch is not null
    )

    select *
    from standing
    qualify
        row_number() over (
            partition by source, _row_key
            order by _version_at desc, batch desc
        ) = 1
{% endmacro %}

{# Row keys whose winner the batches since the last run can change: their own, and those of every
   other version of the units they deliver. #}
{% macro make_version_scope(feed, ceiling) %}
    {% set raw = source('raw', feed) %}
    {% set batches = run_query(
        "select batch_id from raw.batches where feed = '" ~ feed ~ "' and seq > "
        ~ last_state().raw_seq ~ " and seq <= " ~ ceiling
    ).rows | map(attribute=0) | list %}
    {% set fresh = "batch in ('" ~ batches | join("', '") ~ "')" if batches else "false" %}
    {% do run_query(
        "create or replace temp table " ~ scope_name() ~ " as select distinct source,"
        ~ " _row_key as row_key from " ~ raw ~ " where " ~ fresh
    ) %}
    {% set units = "select distinct source, _unit_key from " ~ raw ~ " where " ~ fresh
        ~ " and _unit_key <> _row_key" %}
    {% if batches and run_query("select count(*) from (" ~ units ~ ")").rows[0][0] > 0 %}
        {% do run_query(
            "insert into " ~ scope_name() ~ " select distinct source, _row_key from " ~ raw
            ~ " where _unit_key <> _row_key and (source, _unit_key) in (" ~ units ~ ")"
        ) %}
    {% endif %}
{% endmacro %}
