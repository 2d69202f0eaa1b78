{% set measures = ['paid_amount', 'orders', 'refund_amount', 'visitors'] %}

with

reported as (
    select * from {{ ref('int_consoles_reported') }}
),

counted as (
    select * from {{ ref('int_consoles_counted') }}
),

-- nothing is known before the first row of a kind, nor of visitors after the last
since as (
    select
        platform,
        shop_id,
        measure,
        min(business_date) as first_date,
        case when measure = 'visitors' then max(business_date) end as last_date
    from counted
    group by platform, shop_id, measure
),

compared as (
    select
        reported.*,
        counted.own_with_freight,
        case when since.measure is not null then coalesce(counted.own, 0) end as own
    from reported
    left join counted
        on
            reported.platform = counted.platform
            and reported.shop_id = counted.shop_id
            and reported.measure = counted.measure
            and reported.business_date = counted.business_date
    left join since
        on
            reported.platform = since.platform
            and reported.shop_id = since.shop_id
            and reported.measure = since.measure
            and reported.business_date >= since.first_date
            and reported.business_date <= coalesce(since.last_date, reported.business_date)
),

-- what one of several shops does not know is not known of the platform
summed as (
    select
        business_date,
        platform,
        measure,
        sum(reported) as reported,
        case when count(own) = count(*) then sum(own) end as own,
        coalesce(sum(own_with_freight), sum(own)) as own_with_freight,
        case when measure = 'visitors' then 0.1 else 0.01 end * sum(reported) as tolerance
    from compared
    group by business_date, platform, measure
),

judged as (
    select
        *,
        own - reported as difference,
        case
            when own is not null
                then
                    least(abs(own - reported), abs(own_with_freight - reported))
                    <= greatest(0.01, tolerance)
        end as is_within
    from summed
),

final as (
    select
        business_date,
        platform,
        {% for measure in measures %}
            {% set kind = 'decimal(18, 2)' if measure.endswith('amount') else 'bigint' %}
            {% for figure in ['reported', 'own', 'difference'] %}
                {% set name = measure ~ '_difference' if figure == 'difference'
                    else figure ~ '_' ~ measure %}
                cast(
                    max(case when measure = '{{ measure }}' then {{ figure }} end) as {{ kind }}
                ) as {{ name }},
            {% endfor %}
        {% endfor %}
        nullif(
            concat_ws(
                ', ',
                {% for measure in measures %}
                    max(case when measure = '{{ measure }}' and not is_within then measure end)
                    {{- ',' if not loop.last }}
                {% endfor %}
            ), ''
        ) as differs_in,
        min(case when is_within then 1 when not is_within then 0 end) = 1 as is_within_tolerance
    from judged
    group by business_date, platform
)

select * from final
