{% set kinds = [
    'goods_cost', 'platform_fee', 'payment_fee', 'creator_commission', 'freight',
    'freight_insurance', 'agency_fee', 'packaging', 'tax', 'advertising'
] %}
with given as (
    {% for rate in var('cost_rates') %}
        select
            '{{ rate[0] }}' as platform,
            '{{ rate[1] }}' as category,
            '{{ rate[2] }}' as cost_type,
            cast('{{ rate[3] }}' as double) as rate
        union all
    {% endfor %}
    select
        cast(null as string) as platform,
        cast(null as string) as category,
        cast(null as string) as cost_type,
        cast(null as double) as rate
),

final as (
    select
        platform,
        {% for kind in kinds %}
            max(case when cost_type = '{{ kind }}' then rate end) as {{ kind }}_rate,
        {% endfor %}
        category
    from given
    where platform is not null
    group by platform, category
)

select * from final
