{% set kinds = [
    'goods_cost', 'platform_fee', 'payment_fee', 'creator_commission', 'freight',
    'freight_insurance', 'agency_fee', 'packaging', 'tax', 'advertising'
] %}
with given as (
    {% for platform, category, cost_type, rate in var('cost_rates') %}
        select
            '{{ platform }}' as platform,
            '{{ category }}' as category,
            '{{ cost_type }}' as cost_type,
            cast({{ rate }} as double) as rate
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
        category,
        {% for kind in kinds %}
            max(case when cost_type = '{{ kind }}' then rate end) as {{ kind }}_rate
            {{- ',' if not loop.last }}
        {% endfor %}
    from given
    where platform is not null
    group by platform, category
)

select * from final
