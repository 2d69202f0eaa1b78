{# The rows of a raw feed that count (FEEDS, rule 1). Versions are ordered by the data's own time
   and then the batch, never by arrival: for each unit the newest batch that has it wins with all
   its rows, then for each row key the newest of the rows left. Withdrawn batches do not count.
   Rows delivered once, nearly all of a large feed, are told by a hash and pass without being
   sorted; a row whose hash meets another's by chance only takes the longer way.
   A partial run reads only the row keys that a new, rejected or superseded batch could change. #}
{% macro latest_versions(feed) %}
    {%- set raw = source('raw', feed) -%}
    {%- set running = execute is defined and execute -%}
    {%- set partial = running and is_partial() -%}
    {%- set ceiling = raw_ceiling() | trim -%}
    {%- if partial -%}
        {%- do make_version_scope(feed, ceiling) -%}
    {%- endif %}
    {%- set counting %}
        {{ raw }} as raw
        where
            raw._is_active
            and raw._seq <= {{ ceiling }}
            {%- if partial %}
            and (raw.source, raw._row_key) in (select source, row_key from {{ scope_name() }})
            {%- endif %}
    {%- endset %}
    {%- set hashed = row_hash(['raw.source', 'raw._row_key']) %}
    with

    repeated as (
        select {{ hashed }} as row_hash
        from {{ counting }}
        group by {{ hashed }}
        having count(*) > 1
    ),

    contested as (
        select
            raw.source,
            raw._row_key,
            raw._unit_key,
            raw._version_at,
            raw.batch
        from {{ counting }}
            and (
                raw._unit_key <> raw._row_key
                or {{ hashed }} in (select row_hash from repeated)
            )
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
            and (source, _unit_key) in (select source, _unit_key from contested)
        {%- else %}
        from contested
        where _unit_key <> _row_key
        {%- endif %}
        group by source, _unit_key, batch
    ),

    unit_winners as (
        select
            source,
            _unit_key,
            batch
        from unit_batches
        qualify
            row_number() over (
                partition by source, _unit_key
                order by unit_version_at desc, batch desc
            ) = 1
    ),

    winners as (
        select
            contested.source,
            contested._row_key,
            contested.batch
        from contested
        left join unit_winners
            on
                contested.source = unit_winners.source
                and contested._unit_key = unit_winners._unit_key
                and contested.batch = unit_winners.batch
        where contested._unit_key = contested._row_key or unit_winners.batch is not null
        qualify
            row_number() over (
                partition by contested.source, contested._row_key
                order by contested._version_at desc, contested.batch desc
            ) = 1
    )

    select raw.*
    from {{ counting }}
        and raw._unit_key = raw._row_key
        and {{ hashed }} not in (select row_hash from repeated)
    union all
    select raw.*
    from {{ raw }} as raw
    inner join winners
        on
            raw.source = winners.source
            and raw._row_key = winners._row_key
            and raw.batch = winners.batch
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

{# The ledger sequence this run reads up to. #}
{% macro raw_ceiling() -%}
    {{ this_run().raw_seq if execute is defined and execute else 0 }}
{%- endmacro %}
