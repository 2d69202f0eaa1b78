{% set counts = ['buyers', 'identified_orders', 'anonymous_orders', 'orders', 'gmv'] %}
with sides as (
    select * from {{ ref('int_review_sides') }}
),

-- visitors of one side only compare with nothing: all buyers of the platform are untracked
decided as (
    select
        grain,
        period_start,
        comparison,
        platform,
        {% for side in ['', 'base_'] %}
            case when is_tracked then {{ side }}visitors else 0 end as {{ side }}visitors,
            case when is_tracked then {{ side }}tracked_buyers else 0 end
                as {{ side }}tracked_buyers,
            case when is_tracked then {{ side }}untracked_buyers else {{ side }}buyers end
                as {{ side }}untracked_buyers,
            {% for name in counts %}
                {{ side }}{{ name }},
            {% endfor %}
        {% endfor %}
        has_changed_tracking
    from sides
),

summed as (
    select
        grain,
        period_start,
        comparison,
        case when platform is null then 'all' else 'platform' end as dimension,
        coalesce(platform, 'all') as segment,
        {% for side in ['', 'base_'] %}
            {% for name in ['visitors', 'tracked_buyers', 'untracked_buyers'] + counts %}
                cast(sum({{ side }}{{ name }}) as double) as {{ side }}{{ name }},
            {% endfor %}
        {% endfor %}
        bool_or(has_changed_tracking) as has_changed_tracking
    from decided
    group by grouping sets (
        (grain, period_start, comparison), (grain, period_start, comparison, platform)
    )
),

factors as (
    select
        summed.*,
        company.visitors as company_visitors,
        company.base_visitors as base_company_visitors,
        company.has_changed_tracking as has_company_changed_tracking
    from summed
    inner join summed as company
        on
            summed.grain = company.grain
            and summed.period_start = company.period_start
            and summed.comparison = company.comparison
            and company.dimension = 'all'
),

effects as (
    {{ lmdi('factors') }}
),

final as (
    select
        grain,
        period_start,
        comparison,
        dimension,
        segment,
        {% for name in ['visitors', 'tracked_buyers', 'untracked_buyers'] + counts %}
            {{ name }},
            base_{{ name }},
        {% endfor %}
        gmv_change,
        visitors_effect,
        conversion_effect,
        untracked_buyers_effect,
        orders_per_buyer_effect,
        anonymous_orders_effect,
        aov_effect,
        mix_effect,
        case when has_company_changed_tracking then 'lmdi_tracking_changed' else 'lmdi' end
            as method
    from effects
)

select * from final
