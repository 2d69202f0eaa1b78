{# Condition on events: visitors and spans of time whose sessions this run builds anew. A chain is
   a visitor's run of events without a gap above the session gap; only chains that touch a changed
   event can change, so the span is that of the changed events and of the old chains around them.
   Whether a purchase is sent again depends on all others of its visitor, so of visitors that a
   change touched the chains with purchases are spans of their own. #}
{% macro only_touched_visitors() -%}
    {%- if not (execute is defined and execute and is_partial()) -%}
        true
    {%- else -%}
        {%- do make_visitor_scope() -%}
        {%- set first = asked("select cast(cast(min(first_at) as date) as varchar) from " ~ scope_name()) -%}
        {%- set last = asked("select cast(cast(max(last_at) as date) as varchar) from " ~ scope_name()) -%}
        event_date between cast({{ first }} as date) - 1 and cast({{ last }} as date) + 1
        and visitor_key in (select split_part(key, '|', -1) from {{ scope_name() }})
        and exists (
            select 1
            from {{ scope_name() }} as v
            where
                v.key = {{ join_key(['platform', 'shop_id', 'visitor_key']) }}
                and occurred_at between v.first_at and v.last_at
        )
    {%- endif -%}
{%- endmacro %}

{% macro make_visitor_scope() %}
    {% set purchases = graph.nodes['model.' ~ project_name ~ '.int_purchases_tracked'].relation_name %}
    {% set gap = var('session_gap_minutes') * 60 %}
    {% do run_query("
        create or replace temp table " ~ scope_name() ~ " as
        with touched as (
            select key, min(first_at) as first_at, max(last_at) as last_at
            from incremental.touched
            where model = 'stg_raw__events' and seq > " ~ last_run('seq') ~ "
            group by key
        ),
        sessions as (
            select " ~ join_key(['platform', 'shop_id', 'visitor_key']) ~ " as key, *
            from " ~ this ~ "
            where visitor_key in (select split_part(key, '|', -1) from touched)
        ),
        chains as (
            select s.key, s.chain_started_at, max(s.ended_at) as chain_ended_at
            from sessions as s
            where s.key in (select key from touched)
            group by s.key, s.chain_started_at
        )
        select
            t.key,
            least(t.first_at, coalesce(min(c.chain_started_at), t.first_at)) as first_at,
            greatest(t.last_at, coalesce(max(c.chain_ended_at), t.last_at)) as last_at
        from touched as t
        left join chains as c
            on t.key = c.key
            and c.chain_started_at <= t.last_at + interval (" ~ gap ~ ") second
            and c.chain_ended_at >= t.first_at - interval (" ~ gap ~ ") second
        group by t.key, t.first_at, t.last_at
        union
        select c.key, c.chain_started_at, c.chain_ended_at
        from chains as c
        inner join " ~ purchases ~ " as e
            on c.key = " ~ join_key(['e.platform', 'e.shop_id', 'e.visitor_key']) ~ "
            and e.occurred_at between c.chain_started_at and c.chain_ended_at
    ") %}
{% endmacro %}
