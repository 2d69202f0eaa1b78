{% set counts = [
    'visitors', 'tracked_buyers', 'untracked_buyers', 'buyers', 'identified_orders',
    'anonymous_orders', 'orders', 'gmv'
] %}
with comparisons as (
    select
        business_date,
        comparison,
        max(base_days) as base_days,
        bool_or(is_lost) as has_lost
    from {{ ref('int_gmv_comparisons') }}
    group by business_date, comparison
),

sides as (
    select * from {{ ref('int_gmv_sides') }}
),

targets as (
    select * from {{ ref('fct_targets_daily') }}
    where metric = 'gmv'
),

-- the company has a row for every comparison, also where nothing happened on either side
present as (
    select
        business_date,
        comparison,
        dimension,
        segment
    from sides
    union
    select
        business_date,
        comparison,
        'all' as dimension,
        'all' as segment
    from comparisons
),

-- sums stay exact; a mean over days is taken once, after them
summed as (
    select
        present.business_date,
        present.comparison,
        present.dimension,
        present.segment,
        coalesce(bool_or(sides.is_one_sided), false) as is_one_sided,
        coalesce(bool_or(sides.has_gap), false) or bool_or(comparisons.has_lost) as has_gap,
        bool_or(comparisons.has_lost) as has_lost,
        cast(sum(sides.visitors) as double) as known_visitors,
        {{ ratio('sum(sides.base_visitors)', 'max(comparisons.base_days)') }}
            as known_base_visitors,
        -- who buys where traffic is not known is untracked, of nobody
        cast(coalesce(sum(sides.visitors), 0) as double) as visitors,
        {{ ratio('coalesce(sum(sides.base_visitors), 0)', 'max(comparisons.base_days)') }}
            as base_visitors,
        cast(coalesce(sum(sides.tracked_buyers), 0) as double) as tracked_buyers,
        {{ ratio('coalesce(sum(sides.base_tracked_buyers), 0)', 'max(comparisons.base_days)') }}
            as base_tracked_buyers,
        cast(coalesce(sum(sides.untracked_buyers), 0) as double) as untracked_buyers,
        {{ ratio('coalesce(sum(sides.base_untracked_buyers), 0)', 'max(comparisons.base_days)') }}
            as base_untracked_buyers,
        cast(coalesce(sum(sides.buyers), 0) as double) as buyers,
        {{ ratio('coalesce(sum(sides.base_buyers), 0)', 'max(comparisons.base_days)') }}
            as base_buyers,
        cast(coalesce(sum(sides.identified_orders), 0) as double) as identified_orders,
        {{ ratio('coalesce(sum(sides.base_identified_orders), 0)', 'max(comparisons.base_days)') }}
            as base_identified_orders,
        cast(coalesce(sum(sides.anonymous_orders), 0) as double) as anonymous_orders,
        {{ ratio('coalesce(sum(sides.base_anonymous_orders), 0)', 'max(comparisons.base_days)') }}
            as base_anonymous_orders,
        cast(coalesce(sum(sides.orders), 0) as double) as orders,
        {{ ratio('coalesce(sum(sides.base_orders), 0)', 'max(comparisons.base_days)') }}
            as base_orders,
        cast(coalesce(sum(sides.gmv), 0) as double) as gmv,
        {{ ratio('coalesce(sum(sides.base_gmv), 0)', 'max(comparisons.base_days)') }}
            as base_gmv
    from present
    inner join comparisons
        on
            present.business_date = comparisons.business_date
            and present.comparison = comparisons.comparison
    left join sides
        on
            present.business_date = sides.business_date
            and present.comparison = sides.comparison
            and present.dimension = sides.dimension
            and present.segment = sides.segment
    group by present.business_date, present.comparison, present.dimension, present.segment
),

measured as (
    select
        summed.*,
        company.visitors as company_visitors,
        company.base_visitors as base_company_visitors,
        company.base_gmv as base_company_gmv,
        company.has_lost as has_company_lost,
        company.is_one_sided as has_company_changed_tracking,
        company.has_gap as has_company_gap
    from summed
    inner join summed as company
        on
            summed.business_date = company.business_date
            and summed.comparison = company.comparison
            and company.dimension = 'all'
),

company_targets as (
    select
        business_date,
        target
    from targets
    where dimension = 'all'
),

dimension_targets as (
    select
        business_date,
        dimension,
        count(*) as target_count
    from targets
    group by business_date, dimension
),

-- A target has no factors: it is the usual day (trailing_28d), its visitors, buyers and orders so
-- many times as many that they make the target. Targets of a dimension are rounded: they are
-- brought to the company's where they come to it within 0.1 %; other dimensions have no rows.
planned as (
    select
        measured.*,
        company_targets.target as company_target,
        coalesce(targets.target, 0) as own_target,
        sum(targets.target) over segments as dimension_target,
        count(targets.target) over segments
        = max(dimension_targets.target_count) over segments
        and count(case when targets.target > 0 and measured.base_gmv <= 0 then 1 end) over segments
        = 0 as is_comparable
    from measured
    inner join company_targets on measured.business_date = company_targets.business_date
    left join targets
        on
            measured.business_date = targets.business_date
            and measured.dimension = targets.dimension
            and measured.segment = targets.segment
    left join dimension_targets
        on
            measured.business_date = dimension_targets.business_date
            and measured.dimension = dimension_targets.dimension
    where measured.comparison = 'trailing_28d'
    window segments as (partition by measured.business_date, measured.dimension)
),

scaled as (
    select
        *,
        case
            when dimension = 'all' then {{ ratio('company_target', 'base_company_gmv') }}
            when own_target = 0 then 0
            else {{ ratio('own_target * company_target', 'dimension_target * base_gmv') }}
        end as base_scale,
        {{ ratio('company_target', 'base_company_gmv') }} as company_scale
    from planned
    where
        is_comparable
        and company_target > 0
        and abs(dimension_target - company_target) <= 0.001 * company_target
        and not has_company_lost
),

factors as (
    select
        business_date,
        comparison,
        dimension,
        segment,
        known_visitors,
        known_base_visitors,
        company_visitors,
        base_company_visitors,
        {% for name in counts %}
            {{ name }},
            base_{{ name }},
        {% endfor %}
        has_company_changed_tracking,
        has_company_gap
    from measured
    union all
    select
        business_date,
        'target' as comparison,
        dimension,
        segment,
        known_visitors,
        known_base_visitors * base_scale as known_base_visitors,
        company_visitors,
        base_company_visitors * company_scale as base_company_visitors,
        {% for name in counts %}
            {{ name }},
            base_{{ name }} * base_scale as base_{{ name }},
        {% endfor %}
        has_company_changed_tracking,
        has_company_gap
    from scaled
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
        known_visitors as visitors,
        known_base_visitors as base_visitors,
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
            when has_company_changed_tracking then 'lmdi_tracking_changed'
            when has_company_gap then 'lmdi_gap'
            else 'lmdi'
        end as method
    from effects
)

select * from final
