{# The rows of a raw feed that count (FEEDS, rule 1). Versions are ordered by the data's own time
   and then the batch, never by arrival: for each unit the newest batch that has it wins with all
   its rows, then for each row key the newest of the rows left. Batches of one instant that share no
   row are parts of one export and all count. Withdrawn batches do not count.
   Rows delivered once, nearly all of a large feed, are told by a hash and pass without being
   sorted; a row whose hash meets another's by chance only takes the longer way.
   Where two batches tell differently of a row under one instant, the batch alone decides, which
   means nothing: the row is then `_is_tied`. So it is where nothing but the last instant in two
   files orders them and their names say the opposite (`export_1` over `export_2`).
   A partial run reads only the row keys that a new, rejected or superseded batch could change, and
   of batches only those that can tell of them. #}
{% macro latest_versions(feed) %}
    {%- set raw = source('raw', feed) -%}
    {%- set running = execute is defined and execute -%}
    {%- set partial = running and is_partial() -%}
    {# In full all of schema raw, which is the run's own: the statement is the same each time, and kept. #}
    {%- set ceiling = asked("select " ~ this_run('raw_seq')) if partial else 9223372036854775807 -%}
    {%- if partial -%}
        {%- do make_version_scope(feed) -%}
        {%- set read = only_read_batches(feed) -%}
    {%- endif %}
    {%- set counting %}
        {{ raw }} as raw
        where
            raw._is_active
            and raw._seq <= {{ ceiling }}
            {%- if partial %}
            and {{ read }}
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
            and {{ read }}
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
        from {{ raw }} as raw
        where
            _is_active
            and _seq <= {{ ceiling }}
            and _covers_from is not null
            {%- if partial %}
            and {{ read }}
            {%- endif %}
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
        {{ hashed }} as _row_hash,
        false as _is_tied
    from {{ counting }}
        and raw._unit_key = raw._row_key
        and {{ hashed }} not in (select row_hash from repeated)
    union all
    select
        raw.*,
        {{ hashed }} as _row_hash,
        winners._is_tied
    from {{ raw }} as raw
    inner join winners
        on
            raw.source = winners.source
            and raw._row_key = winners._row_key
            and raw.batch = winners.batch
    {%- if partial %}
    where {{ read }}
    {%- endif %}
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

{# Whether, of versions that nothing but the last instant in their files orders, the one whose file
   is the last in the order of names says something else than this one. #}
{% macro contradicted(name_order, partition, content='content') -%}
    coalesce(
        {{ name_order }} < max({{ name_order }}) over (partition by {{ partition }})
        and {{ content }} <> max_by({{ content }}, {{ name_order }}) over (partition by {{ partition }}),
        false
    )
{%- endmacro %}

{# Row keys whose winner the batches since the last run can change: their own, and those of every
   other version of the units they deliver. And those of rows whose key a table above has touched.
   Beside them the rows that the table holds of these keys. #}
{% macro make_version_scope(feed) %}
    {% set raw = source('raw', feed) %}
    {% set rule = model.config.meta.replace %}
    {% set fresh = in_batches(fresh_batches(feed)) %}
    {% set hashed = row_hash(['source', 'row_key']) %}
    {% do run_query(
        "create or replace temp table " ~ scope_name() ~ " as select *, " ~ hashed ~ " as row_hash"
        ~ " from (select distinct source, _row_key as row_key from " ~ raw ~ " as raw where " ~ fresh ~ ")"
    ) %}
    {% set units = "select distinct source, _unit_key from " ~ raw ~ " as raw where " ~ fresh
        ~ " and _unit_key <> _row_key union select distinct other.source, other._unit_key from "
        ~ raw ~ " as other inner join (select distinct source, _covers_from, _covers_to from "
        ~ raw ~ " as raw where " ~ fresh ~ ") as covered on other.source = covered.source"
        ~ " and other._unit_key between covered._covers_from and covered._covers_to"
        ~ " and other._unit_key <> other._row_key" %}
    {% do run_query(
        "insert into " ~ scope_name() ~ " select *, " ~ hashed ~ " from (select distinct source,"
        ~ " _row_key as row_key from " ~ raw ~ " where " ~ asked_whether(of_units(raw, fresh))
        ~ " and _unit_key <> _row_key and (source, _unit_key) in (" ~ units ~ "))"
    ) %}
    {% for upstream in rule.affected %}
        {% set keys = "select key from incremental.touched where model = '" ~ upstream
            ~ "' and seq > " ~ last_run('seq') %}
        {% do run_query(
            "insert into " ~ scope_name() ~ " select *, " ~ hashed ~ " from (select source, "
            ~ rule.row_key ~ " as row_key from " ~ this ~ " where " ~ asked_whether(keys) ~ " and "
            ~ rule.key ~ " in (" ~ keys ~ "))"
        ) %}
    {% endfor %}
    {# A table that does not tell which rows are tied need not find it out either. #}
    {% set tells_ties = '_is_tied' in adapter.get_columns_in_relation(this) | map(attribute='name') %}
    {# Texts are compared only where their hash is met: a number is read in a tenth of the time. #}
    {% do run_query(
        "create or replace temp table " ~ held_name() ~ " as select rowid as held_rowid, _batch_id, "
        ~ ("_is_tied" if tells_ties else "false as _is_tied") ~ " from " ~ this ~ " where "
        ~ (rule.row_hash or row_hash(['source', rule.row_key])) ~ " in (select row_hash from "
        ~ scope_name() ~ ") and (source, " ~ rule.row_key ~ ") in (select source, row_key from "
        ~ scope_name() ~ ")"
    ) %}
{% endmacro %}

{# Temporary table with the rows that a table holds of the scope. #}
{% macro held_name() -%}
    {{ return('held__' ~ model.name) }}
{%- endmacro %}

{# Query of the batches of a feed whose state has changed since the last run. #}
{% macro fresh_batches(feed) %}
    {{ return(
        "select batch_id from raw.batches where feed = '" ~ feed ~ "' and seq > " ~ last_run('raw_seq')
        ~ " and seq <= " ~ this_run('raw_seq')
    ) }}
{% endmacro %}

{# Condition on raw rows: a literal list, so that no other file is opened. #}
{% macro in_batches(batches) %}
    {{ return("raw.batch in (" ~ asked(batches) ~ ")") }}
{% endmacro %}

{# Query of raw rows that count or not as part of a unit, or withdraw others. #}
{% macro of_units(raw, condition) %}
    {{ return(
        "select 1 from " ~ raw ~ " as raw where " ~ condition
        ~ " and (_unit_key <> _row_key or _covers_from is not null)"
    ) }}
{% endmacro %}

{# Condition on the raw rows a partial run reads. The row a table holds of a key has won against all
   versions there were, so the batches it came in and the new ones are enough, unless
   - a batch was withdrawn: which version is the next, any batch may tell;
   - a row is part of a unit: then batches count, not rows;
   - the row held is tied: the other one may lie in any batch;
   - nothing but its last instant tells the age of a new batch, and its name is not the last. #}
{% macro only_read_batches(feed) %}
    {% set raw, fresh = source('raw', feed), fresh_batches(feed) %}
    {% set batches = fresh ~ " union select _batch_id from " ~ held_name() %}
    {% set withdrawn = "select 1 from (" ~ batches ~ " except select batch_id from raw.batches where feed = '"
        ~ feed ~ "' and is_active and seq <= " ~ this_run('raw_seq') ~ ")" %}
    {% set tied = "select 1 from " ~ held_name() ~ " where _is_tied" %}
    {% set out_of_order = "select 1 from raw.batches as fresh inner join raw.batches as other"
        ~ " on fresh.feed = other.feed and fresh.source = other.source"
        ~ " and fresh.name_order < other.name_order where fresh.feed = '" ~ feed
        ~ "' and fresh.batch_id in (" ~ fresh ~ ") and other.batch_id not in (" ~ fresh
        ~ ") and exists (select 1 from " ~ held_name() ~ ") and exists (select 1 from " ~ raw
        ~ " as raw where " ~ in_batches(fresh) ~ " and raw._name_order is not null)" %}
    {% set all = [tied, withdrawn, out_of_order, of_units(raw, in_batches(batches))] %}
    {{ return('(' ~ asked_whether(all | join(' union all ')) ~ ' or ' ~ in_batches(batches) ~ ')') }}
{% endmacro %}
