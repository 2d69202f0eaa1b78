{# Incremental tables that equal a full build, cell for cell. A model says in one call at its top
   what makes its rows stale and how its own changes are logged; the same SQL then builds it in
   full or in part:

   {{ replace(rows='day', affected={'fct_orders': [0, 0], 'fct_sessions': [0, 30]}, day='...') }}

   rows      what is replaced as a whole: 'version' (staging: row keys of new batches, and rows
             whose `key` is touched), 'key' (rows of touched keys), 'day' (rows of affected days),
             'visitor' (sessions of touched spans), 'whole' (small tables, of which only the
             differences are logged)
   affected  upstream -> what its log means here.
             rows='day': day offsets [first, last, further ones ...], the first two also as text
             that is rendered when the table is built, for what a var decides: a parsed project
             serves every shop, so nothing that dbt reads while parsing depends on one;
             rows='key': 'key', or hops [[model, column equal to the key, column to go on with], ...],
             or a list of several of these
   suffix    rows='day': upstreams by which all days from the earliest affected one on are stale
   key, day  SQL expressions over the table's own columns: the key, and the day that is logged
   also_days further expressions logged as changed days
   touch, touch_at  expressions logged as touched key and its instant
   touch_each  further expressions logged as touched keys; of each `part` that `each` makes of a row
   row_key, row_hash  rows='version': the column with the row key, and the one with the hash of
             source and row key, which large tables keep
   last_part  rows='key' of a large table: the column that ends the key, see `in_key_scope`
   order_by  physical order of the table, which is what makes reading few days cheap

   The model must read every table it names here, or one made of it. Never leave `affected` narrower than the SQL reads:
   only the property test (tests/pipeline/test_incremental.py) guards that. #}
{% macro replace(
    rows, affected={}, suffix=[], key=none, day=none, also_days=[], touch=none, touch_at=none,
    touch_each=[], each=none, row_key='_row_key', row_hash=none, last_part=none, order_by=[]
) %}
    {{ config(
        materialized='incremental' if has_incremental_tables() else 'table',
        incremental_strategy='replace',
        on_schema_change='fail',
        pre_hook='{{ note_full_build() }}',
        post_hook='{{ remember_state() }}',
        meta={'replace': {
            'rows': rows, 'affected': affected, 'suffix': suffix, 'key': key, 'day': day,
            'also_days': also_days, 'touch': touch, 'touch_at': touch_at,
            'touch_each': touch_each, 'each': each, 'row_key': row_key,
            'row_hash': row_hash, 'last_part': last_part, 'order_by': order_by
        }}
    ) }}
{% endmacro %}

{# The table's rows this run replaces: a condition over the table as it stands. #}
{% macro stale_rows(rule) %}
    {% if rule.rows == 'whole' or not is_partial() %}
        {{ return('true') }}
    {% elif rule.rows == 'version' %}
        {{ return('rowid in (select held_rowid from ' ~ held_name() ~ ')') }}
    {% elif rule.rows == 'key' %}
        {{ return(in_key_scope(rule.key, rule.last_part)) }}
    {% elif rule.rows == 'visitor' %}
        {{ return(
            'session_id in (select s.session_id from ' ~ this ~ ' as s inner join ' ~ scope_name()
            ~ ' as v on ' ~ join_key(['s.platform', 's.shop_id', 's.visitor_key'])
            ~ ' = v.key and s.started_at between v.first_at and v.last_at'
            ~ ' where s.visitor_key in (select split_part(key, \'|\', -1) from ' ~ scope_name() ~ '))'
        ) }}
    {% else %}
        {{ return(in_affected_days(rule.day)) }}
    {% endif %}
{% endmacro %}

{# Strategy of dbt's incremental materialization, one transaction with the hooks: find the stale
   rows, log where they differ from the new ones, put the new ones in their place. Stale rows are
   found by what was affected, never by what the result holds: a day or key that has become empty
   must lose its old rows too. Columns that begin with _ name a delivery and make no difference. #}
{% macro get_incremental_replace_sql(args) %}
    {% set rule = model.config.meta.replace %}
    {% set columns = args.dest_columns | map(attribute='name') | list %}
    {% set named = [] %}
    {% for column in columns if not column.startswith('_') %}
        {% do named.append(column) %}
    {% endfor %}
    {% set compared = named | join(', ') %}
    {% set stale = 'stale__' ~ model.name %}
    {% set differing = 'differing__' ~ model.name %}
    {% do run_query(
        'create or replace temp table ' ~ stale ~ ' as select rowid as stale_rowid, * from '
        ~ args.target_relation ~ ' where ' ~ stale_rows(rule)
    ) %}
    {% do run_query(
        'create or replace temp table ' ~ differing ~ ' as'
        ~ ' (select ' ~ compared ~ ' from ' ~ stale ~ ' except all select ' ~ compared ~ ' from '
        ~ args.temp_relation ~ ') union all (select ' ~ compared ~ ' from ' ~ args.temp_relation
        ~ ' except all select ' ~ compared ~ ' from ' ~ stale ~ ')'
    ) %}
    {% set seq = this_run('seq') %}
    {% for day in ([rule.day] if rule.day else []) + rule.also_days %}
        insert into incremental.changes
        select distinct '{{ model.name }}', {{ seq }}, {{ day }}
        from {{ differing }}
        where {{ day }} is not null;
    {% endfor %}
    {% if rule.touch %}
        insert into incremental.touched
        select
            '{{ model.name }}', {{ seq }}, {{ rule.touch }},
            min({{ rule.touch_at or 'cast(null as timestamp)' }}),
            max({{ rule.touch_at or 'cast(null as timestamp)' }})
        from {{ differing }}
        where {{ rule.touch }} is not null
        group by {{ rule.touch }};
    {% endif %}
    {% for key in rule.touch_each %}
        insert into incremental.touched
        select distinct '{{ model.name }}', {{ seq }}, {{ key }}, null::timestamp, null::timestamp
        from (select *{{ ', ' ~ rule.each ~ ' as part' if rule.each }} from {{ differing }}) as parts
        where {{ key }} is not null;
    {% endfor %}
    delete from {{ args.target_relation }} where rowid in (select stale_rowid from {{ stale }});
    insert into {{ args.target_relation }} ({{ columns | join(', ') }})
    select {{ columns | join(', ') }} from {{ args.temp_relation }}
    {{ 'order by ' ~ rule.order_by | join(', ') if rule.order_by }}
{% endmacro %}
