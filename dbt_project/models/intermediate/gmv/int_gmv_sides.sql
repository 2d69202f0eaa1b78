with comparisons as (
    select * from {{ ref('int_gmv_comparisons') }}
),

cells as (
    select * from {{ ref('int_gmv_cells') }}
    where grain = 'day'
),

gaps as (
    select
        business_date,
        platform,
        max(case when kind != 'purchase' then 1 else 0 end) as of_traffic
    from {{ ref('int_completeness_gaps') }}
    group by business_date, platform
),

-- whether the data of either side are not whole, and whether visitors of one day cannot be compared
compared as (
    select
        comparisons.business_date,
        comparisons.comparison,
        comparisons.platform,
        -- a silent day of sales hardly moves a mean of many, lost visitors move its factors
        count(own_gaps.platform) + count(
            case
                when comparisons.base_days = 1 or base_gaps.of_traffic = 1 then base_gaps.platform
            end
        ) > 0 as has_gap,
        coalesce(
            max(own_gaps.of_traffic) = 1
            or max(case when comparisons.base_days = 1 then base_gaps.of_traffic end) = 1, false
        ) as is_blind
    from comparisons
    left join gaps as own_gaps
        on
            comparisons.business_date = own_gaps.business_date
            and comparisons.platform = own_gaps.platform
    left join gaps as base_gaps
        on
            comparisons.base_date = base_gaps.business_date
            and comparisons.platform = base_gaps.platform
    group by comparisons.business_date, comparisons.comparison, comparisons.platform
),

sides as (
    select
        compared.business_date,
        compared.comparison,
        false as is_base,
        cells.*
    from compared
    inner join cells
        on compared.business_date = cells.period_start and compared.platform = cells.platform
    union all
    select
        comparisons.business_date,
        comparisons.comparison,
        true as is_base,
        cells.*
    from comparisons
    inner join cells
        on comparisons.base_date = cells.period_start and comparisons.platform = cells.platform
),

paired as (
    select
        business_date,
        comparison,
        platform,
        dimension,
        segment,
        sum(case when is_base then 0 else visitors end) as visitors,
        sum(case when is_base then visitors else 0 end) as base_visitors,
        sum(case when is_base then 0 else tracked_buyers end) as tracked_buyers,
        sum(case when is_base then tracked_buyers else 0 end) as base_tracked_buyers,
        sum(case when is_base then 0 else untracked_buyers end) as untracked_buyers,
        sum(case when is_base then untracked_buyers else 0 end) as base_untracked_buyers,
        sum(case when is_base then 0 else buyers end) as buyers,
        sum(case when is_base then buyers else 0 end) as base_buyers,
        sum(case when is_base then 0 else identified_orders end) as identified_orders,
        sum(case when is_base then identified_orders else 0 end) as base_identified_orders,
        sum(case when is_base then 0 else anonymous_orders end) as anonymous_orders,
        sum(case when is_base then anonymous_orders else 0 end) as base_anonymous_orders,
        sum(case when is_base then 0 else orders end) as orders,
        sum(case when is_base then orders else 0 end) as base_orders,
        sum(case when is_base then 0 else gmv end) as gmv,
        sum(case when is_base then gmv else 0 end) as base_gmv
    from sides
    group by business_date, comparison, platform, dimension, segment
),

traffic as (
    select
        paired.business_date,
        paired.comparison,
        paired.platform,
        compared.has_gap,
        (coalesce(paired.visitors, 0) > 0) != (coalesce(paired.base_visitors, 0) > 0)
            as is_one_sided,
        (coalesce(paired.visitors, 0) > 0) != (coalesce(paired.base_visitors, 0) > 0)
        or compared.is_blind and coalesce(paired.visitors, 0) > 0
            as has_changed_tracking
    from paired
    inner join compared
        on
            paired.business_date = compared.business_date
            and paired.comparison = compared.comparison
            and paired.platform = compared.platform
    where paired.dimension = 'all'
),

tracked as (
    select
        paired.*,
        traffic.has_changed_tracking,
        traffic.has_gap,
        traffic.is_one_sided
    from paired
    inner join traffic
        on
            paired.business_date = traffic.business_date
            and paired.comparison = traffic.comparison
            and paired.platform = traffic.platform
),

final as (
    select
        business_date,
        comparison,
        platform,
        dimension,
        segment,
        has_changed_tracking,
        has_gap,
        is_one_sided,
        case when has_changed_tracking then 0 else visitors end as visitors,
        case when has_changed_tracking then 0 else base_visitors end as base_visitors,
        case when has_changed_tracking then 0 else tracked_buyers end as tracked_buyers,
        case when has_changed_tracking then 0 else base_tracked_buyers end as base_tracked_buyers,
        case when has_changed_tracking then buyers else untracked_buyers end as untracked_buyers,
        case when has_changed_tracking then base_buyers else base_untracked_buyers end
            as base_untracked_buyers,
        buyers,
        base_buyers,
        identified_orders,
        base_identified_orders,
        anonymous_orders,
        base_anonymous_orders,
        orders,
        base_orders,
        gmv,
        base_gmv
    from tracked
)

select * from final
