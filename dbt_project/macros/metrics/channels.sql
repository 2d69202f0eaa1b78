{# The channel of each pair of utm source and medium in a relation: the first rule that fits, those
   of shop.yml before those of the seed channel_map; the shop's own domains are direct. #}
{% macro channels_of(relation) %}
    {%- set own_rules = [] %}
    {%- for domain in var('channel_own_domains') %}
        {%- do own_rules.append([domain, '.*', 'direct']) %}
    {%- endfor %}
    {%- for rule in var('channel_rules') %}
        {%- do own_rules.append(rule) %}
    {%- endfor %}
    select
        pairs.utm_source,
        pairs.utm_medium,
        rules.channel
    from (
        select distinct
            utm_source,
            utm_medium
        from {{ relation }}
        where utm_source is not null or utm_medium is not null
    ) as pairs
    inner join (
        select
            priority,
            source_pattern,
            medium_pattern,
            channel
        from {{ ref('channel_map') }}
        {% for rule in own_rules %}
            union all
            select
                {{ loop.index - 1000 }} as priority,
                '{{ rule[0] }}' as source_pattern,
                '{{ rule[1] }}' as medium_pattern,
                '{{ rule[2] }}' as channel
        {% endfor %}
    ) as rules
        on
            {{ matches_whole('pairs.utm_source', 'rules.source_pattern') }}
            and {{ matches_whole('pairs.utm_medium', 'rules.medium_pattern') }}
    qualify
        row_number() over (
            partition by pairs.utm_source, pairs.utm_medium
            order by rules.priority, rules.channel
        ) = 1
{% endmacro %}

{# Whether a value, in lower case, is what a regular expression says from end to end. #}
{% macro matches_whole(value, pattern) -%}
    {{ matches("lower(trim(coalesce(" ~ value ~ ", '')))", "'^(' || coalesce(" ~ pattern ~ ", '') || ')$'") }}
{%- endmacro %}

{# Host of the page a visitor came from; NULL without one. #}
{% macro host_of(page) -%}
    nullif(regexp_extract(lower({{ page }}), '^[a-z-]+://(www[.])?([^/:?#]+)', 2), '')
{%- endmacro %}
