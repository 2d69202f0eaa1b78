with comparisons as (
    select * from {{ ref('int_gmv_comparisons') }}
),

cells as (
    select * from {{ ref('int_gmv_cells') }}
),

compared as (
    select
        business_date,
        comparison,
        platform
    from comparisons
    group by business_date, comparison, platform
),

sides as (
    select
        compared.business_date,
        compared.comparison,
        cells.platform,
        cells.dimension,
        cells.segment,
        {{ each_of(lmdi_measures(), 'cells.@, 0 as base_@') }}
    from compared
    inner join cells
        on compared.business_date = cells.business_date and compared.platform = cells.platform
    union all
    select
        comparisons.business_date,
        comparisons.comparison,
        cells.platform,
        cells.dimension,
        cells.segment,
        {{ each_of(lmdi_measures(), '0 as @, cells.@ as base_@') }}
    from comparisons
    inner join cells
        on comparisons.base_date = cells.business_date and comparisons.platform = cells.platform
),

paired as (
    select
        business_date,
        comparison,
        platform,
        dimension,
        segment,
        {{ each_of(lmdi_measures(), 'sum(@) as @, sum(base_@) as base_@') }}
    from sides
    group by business_date, comparison, platform, dimension, segment
),

traffic as (
    select
        business_date,
        comparison,
        platform,
        (visitors > 0) != (base_visitors > 0) as has_changed_tracking
    from paired
    where dimension = 'all'
),

final as (
    select
        paired.business_date,
        paired.comparison,
        paired.platform,
        paired.dimension,
        paired.segment,
        traffic.has_changed_tracking,
        {{ each_of(
            ['visitors', 'base_visitors', 'tracked_buyers', 'base_tracked_buyers'],
            'case when traffic.has_changed_tracking then 0 else paired.@ end as @'
        ) }},
        case
            when traffic.has_changed_tracking then paired.buyers else paired.untracked_buyers
        end as untracked_buyers,
        case
            when traffic.has_changed_tracking then paired.base_buyers
            else paired.base_untracked_buyers
        end as base_untracked_buyers,
        {{ each_of(lmdi_measures()[3:], 'paired.@, paired.base_@') }}
    from paired
    inner join traffic
        on
            paired.business_date = traffic.business_date
            and paired.comparison = traffic.comparison
            and paired.platform = traffic.platform
)

select * from final
