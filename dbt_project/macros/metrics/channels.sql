{# The channel of each pair of utm source and medium in a relation: the first line of the seed
   channel_map that fits; patterns of SQL LIKE, an empty pattern is an absent value. #}
{% macro channels_of(relation) %}
    select
        pairs.utm_source,
        pairs.utm_medium,
        channel_map.channel
    from (
        select distinct
            utm_source,
            utm_medium
        from {{ relation }}
        where utm_source is not null or utm_medium is not null
    ) as pairs
    inner join {{ ref('channel_map') }} as channel_map
        on
            lower(coalesce(pairs.utm_source, '')) like coalesce(channel_map.source_pattern, '')
            and lower(coalesce(pairs.utm_medium, '')) like coalesce(channel_map.medium_pattern, '')
    qualify
        row_number() over (
            partition by pairs.utm_source, pairs.utm_medium
            order by channel_map.priority, channel_map.channel
        ) = 1
{% endmacro %}
