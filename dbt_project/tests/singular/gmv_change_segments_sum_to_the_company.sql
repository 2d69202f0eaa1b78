-- The rows of each dimension sum to the company's change, comparison by comparison.
with company as (
    select * from {{ ref('fct_gmv_change') }}
    where dimension = 'all'
),

segments as (
    select
        business_date,
        comparison,
        dimension,
        sum(gmv_change) as gmv_change,
        sum(
            visitors_effect + conversion_effect + untracked_buyers_effect
            + orders_per_buyer_effect + anonymous_orders_effect + aov_effect + mix_effect
        ) as effects
    from {{ ref('fct_gmv_change') }}
    where dimension != 'all'
    group by business_date, comparison, dimension
)

select company.*
from company
inner join segments
    on
        company.business_date = segments.business_date
        and company.comparison = segments.comparison
where
    abs(company.gmv_change - segments.gmv_change) > greatest(0.01, 1e-9 * company.gmv)
    or abs(company.gmv_change - segments.effects) > greatest(0.01, 1e-9 * company.gmv)
