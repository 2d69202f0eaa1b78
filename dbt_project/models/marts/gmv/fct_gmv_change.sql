with comparisons as (
    select
        business_date,
        comparison,
        max(base_days) as base_days
    from {{ ref('int_gmv_comparisons') }}
    group by business_date, comparison
),

sides as (
    select * from {{ ref('int_gmv_sides') }}
),

measured as (
    select
        business_date,
        comparison,
        dimension,
        segment,
        has_changed_tracking,
        {{ each_of(lmdi_measures(), '@, base_@') }}
    from sides
    union all
    -- the company has a row for every comparison, also where nothing happened on either side
    select
        business_date,
        comparison,
        'all' as dimension,
        'all' as segment,
        false as has_changed_tracking,
        {{ each_of(lmdi_measures(), '0 as @, 0 as base_@') }}
    from comparisons
),

-- sums stay exact; a mean over days is taken once, after them
summed as (
    select
        measured.business_date,
        measured.comparison,
        measured.dimension,
        measured.segment,
        bool_or(measured.has_changed_tracking) as has_changed_tracking,
        {{ each_of(lmdi_measures(), 'cast(sum(measured.@) as double) as @') }},
        {{ each_of(
            lmdi_measures(),
            ratio('sum(measured.base_@)', 'max(comparisons.base_days)') ~ ' as base_@'
        ) }}
    from measured
    inner join comparisons
        on
            measured.business_date = comparisons.business_date
            and measured.comparison = comparisons.comparison
    group by
        measured.business_date, measured.comparison, measured.dimension, measured.segment
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
            summed.business_date = company.business_date
            and summed.comparison = company.comparison
            and company.dimension = 'all'
),

effects as (
    {{ lmdi('factors') }}
),

final as (
    select
        business_date,
        comparison,
        dimension,
        segment,
        visitors,
        base_visitors,
        tracked_buyers,
        base_tracked_buyers,
        untracked_buyers,
        base_untracked_buyers,
        buyers,
        base_buyers,
        identified_orders,
        base_identified_orders,
        anonymous_orders,
        base_anonymous_orders,
        orders,
        base_orders,
        gmv,
        base_gmv,
        gmv_change,
        visitors_effect,
        conversion_effect,
        untracked_buyers_effect,
        orders_per_buyer_effect,
        anonymous_orders_effect,
        aov_effect,
        mix_effect,
        case
            when has_company_changed_tracking then 'lmdi_tracking_changed' else 'lmdi'
        end as method
    from effects
)

select * from final
