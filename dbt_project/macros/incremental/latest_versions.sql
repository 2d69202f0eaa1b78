{# The rows of a raw feed that count (FEEDS, rule 1). Versions are ordered by the data's own time
   and then the batch, never by arrival: for each unit the newest batch that has it wins with all
   its rows, then for each row key the newest of the rows left. Batches of one instant that share no
   row are parts of one export and all count. Withdrawn batches do not count.
   Rows delivered once, nearly all of a large feed, are told by a hash and pass without being
   sorted; a row whose hash meets another's by chance only takes the longer way.
   Where two batches tell differently of a row under one instant, the batch alone decides, which
   means nothing: the row is then `_is_tied`. So it is where nothing but the last instant in two
   files orders them and their names say the opposite (`export_1` over `export_2`).
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
    {%- set content = row_hash(content_columns(feed)) %}
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
            raw._name_order,
            raw.batch,
            {{ content }} as content
        from {{ counting }}
            and (
                raw._unit_key <> raw._row_key
                or {{ hashed }} in (select row_hash from repeated)
            )
    ),

    unit_rows as (
        select
            source,
            _unit_key,
            _row_key,
            batch,
            _version_at,
            _name_order,
            {%- if partial %}
            {{ content }} as content
        from {{ raw }} as raw
        where
            _is_active
            and _seq <= {{ ceiling }}
            and _unit_key <> _row_key
            and (source, _unit_key) in (select source, _unit_key from contested)
            {%- else %}
            content
        from contested
        where _unit_key <> _row_key
            {%- endif %}
    ),

    unit_batches as (
        select
            source,
            _unit_key,
            batch,
            max(_version_at) as unit_version_at,
            max(_name_order) as unit_name_order,
            sum(cast(content as decimal(38, 0))) as content
        from unit_rows
        group by source, _unit_key, batch
    ),

    snapshots as (
        select
            source,
            batch,
            _covers_from as covers_from,
            _covers_to as covers_to,
            max(_version_at) as unit_version_at,
            max(_name_order) as unit_name_order
        from {{ raw }}
        where _is_active and _seq <= {{ ceiling }} and _covers_from is not null
        group by source, batch, _covers_from, _covers_to
    ),

    -- a day between the first and the last one of a snapshot that has no row in it
    emptied as (
        select
            snapshots.source,
            units._unit_key,
            snapshots.batch,
            snapshots.unit_version_at,
            snapshots.unit_name_order,
            cast(0 as decimal(38, 0)) as content
        from (select distinct source, _unit_key from unit_batches) as units
        inner join snapshots
            on
                units.source = snapshots.source
                and units._unit_key between snapshots.covers_from and snapshots.covers_to
        left join unit_batches
            on
                units.source = unit_batches.source
                and units._unit_key = unit_batches._unit_key
                and snapshots.batch = unit_batches.batch
        where unit_batches.batch is null
    ),

    unit_candidates as (
        select * from unit_batches
        union all
        select * from emptied
    ),

    unit_newest as (
        select
            source,
            _unit_key,
            batch,
            {{ differs('content', 'source, _unit_key, unit_version_at') }} as is_differing,
            {{ contradicted('unit_name_order', 'source, _unit_key') }} as is_contradicted
        from unit_candidates
        qualify
            rank() over (partition by source, _unit_key order by unit_version_at desc) = 1
    ),

    unit_ties as (
        select *
        from unit_newest
        qualify count(*) over (partition by source, _unit_key) > 1
    ),

    -- a batch that repeats a row of one before it
    overlapping as (
        select
            unit_rows.source,
            unit_rows._unit_key,
            unit_rows.batch
        from unit_rows
        inner join unit_ties
            on
                unit_rows.source = unit_ties.source
                and unit_rows._unit_key = unit_ties._unit_key
                and unit_rows.batch = unit_ties.batch
        qualify
            row_number() over (
                partition by unit_rows.source, unit_rows._unit_key, unit_rows._row_key
                order by unit_rows.batch desc
            ) > 1
    ),

    unit_winners as (
        select
            source,
            _unit_key,
            batch,
            is_contradicted
            or (
                is_differing
                and (source, _unit_key) in (select source, _unit_key from overlapping)
            ) as is_tied
        from unit_newest
        where (source, _unit_key, batch) not in (select source, _unit_key, batch from overlapping)
    ),

    winners as (
        select
            contested.source,
            contested._row_key,
            contested.batch,
            {{ differs('contested.content', 'contested.source, contested._row_key, contested._version_at') }}
            or {{ contradicted('contested._name_order', 'contested.source, contested._row_key', 'contested.content') }}
            or coalesce(unit_winners.is_tied, false) as _is_tied
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

    select
        raw.*,
        false as _is_tied
    from {{ counting }}
        and raw._unit_key = raw._row_key
        and {{ hashed }} not in (select row_hash from repeated)
    union all
    select
        raw.*,
        winners._is_tied
    from {{ raw }} as raw
    inner join winners
        on
            raw.source = winners.source
            and raw._row_key = winners._row_key
            and raw.batch = winners.batch
{% endmacro %}

{# What a delivery says in a row of a raw feed, its place and version apart. #}
{% macro content_columns(feed) %}
    {% set found = [] %}
    {% set known = (graph.sources or {}) if graph is defined else {} %}
    {% for node in known.values() if node.source_name == 'raw' and node.name == feed %}
        {% for name in node.columns if not name.startswith('_') and name not in ('source', 'batch') %}
            {% do found.append('raw.' ~ name) %}
        {% endfor %}
    {% endfor %}
    {{ return(found or ['raw._row_key']) }}
{% endmacro %}

{# Whether a value differs among the rows of a partition. #}
{% macro differs(value, partition) -%}
    min({{ value }}) over (partition by {{ partition }})
    <> max({{ value }}) over (partition by {{ partition }})
{%- endmacro %}

{# Whether versions of which nothing but the last instant in their files tells the age differ, and
   this one's file stands before another's in the order of names. #}
{% macro contradicted(name_order, partition, content='content') -%}
    coalesce(
        {{ name_order }} < max({{ name_order }}) over (partition by {{ partition }})
        and {{ differs('case when ' ~ name_order ~ ' is not null then ' ~ content ~ ' end', partition) }},
        false
    )
{%- endmacro %}

{# Row keys whose winner the batches since the last run can change: their own, and those of every
   other version of the units they deliver. And those of rows whose key a table above has touched. #}
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
        ~ " and _unit_key <> _row_key union select distinct other.source, other._unit_key from "
        ~ raw ~ " as other inner join (select distinct source, _covers_from, _covers_to from "
        ~ raw ~ " where " ~ fresh ~ ") as covered on other.source = covered.source"
        ~ " and other._unit_key between covered._covers_from and covered._covers_to"
        ~ " and other._unit_key <> other._row_key" %}
    {% if batches and run_query("select count(*) from (" ~ units ~ ")").rows[0][0] > 0 %}
        {% do run_query(
            "insert into " ~ scope_name() ~ " select distinct source, _row_key from " ~ raw
            ~ " where _unit_key <> _row_key and (source, _unit_key) in (" ~ units ~ ")"
        ) %}
    {% endif %}
    {% set rule = model.config.meta.replace %}
    {% for upstream in rule.affected %}
        {% set keys = "select key from incremental.touched where model = '" ~ upstream
            ~ "' and seq > " ~ last_state().seq %}
        {% if run_query("select count(*) from (" ~ keys ~ ")").rows[0][0] > 0 %}
            {% do run_query(
                "insert into " ~ scope_name() ~ " select source, " ~ rule.row_key ~ " from " ~ this
                ~ " where " ~ rule.key ~ " in (" ~ keys ~ ")"
            ) %}
        {% endif %}
    {% endfor %}
{% endmacro %}

{# The ledger sequence this run reads up to. #}
{% macro raw_ceiling() -%}
    {{ this_run().raw_seq if execute is defined and execute else 0 }}
{%- endmacro %}
