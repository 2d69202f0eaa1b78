{% set counts = [
    'visitors', 'tracked_buyers', 'untracked_buyers', 'buyers', 'identified_orders',
    'anonymous_orders', 'orders', 'gmv'
] %}
with comparisons as (
    select * from {{ ref('int_gmv_comparisons') }}
    where not is_lost
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
        max(comparisons.base_weight) as base_weight,
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
        {% for name in counts[1:] %}
            coalesce(sum(case when not is_base then {{ name }} end), 0) as {{ name }},
            coalesce(sum(case when is_base then {{ name }} end), 0) as base_{{ name }},
        {% endfor %}
        sum(case when not is_base then visitors end) as visitors,
        sum(case when is_base then visitors end) as base_visitors
    from sides
    group by business_date, comparison, platform, dimension, segment
),

traffic as (
    select
        paired.business_date,
        paired.comparison,
        paired.platform,
        compared.has_gap,
        compared.base_weight,
        paired.visitors is not null as is_known,
        paired.base_visitors is not null as is_base_known,
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
        traffic.is_one_sided,
        traffic.base_weight,
        traffic.is_known and not traffic.has_changed_tracking as is_known,
        traffic.is_base_known and not traffic.has_changed_tracking as is_base_known
    from paired
    inner join traffic
        on
            paired.business_date = traffic.business_date
            and paired.comparison = traffic.comparison
            and paired.platform = traffic.platform
),

decided as (
    select
        *,
        -- of a segment that is not there where traffic is known there were none
        case when is_known then coalesce(visitors, 0) end as own_visitors,
        case when is_base_known then coalesce(base_visitors, 0) end as own_base_visitors,
        case when has_changed_tracking then 0 else tracked_buyers end as own_tracked_buyers,
        case when has_changed_tracking then 0 else base_tracked_buyers end
            as own_base_tracked_buyers,
        case when has_changed_tracking then buyers else untracked_buyers end
            as own_untracked_buyers,
        case when has_changed_tracking then base_buyers else base_untracked_buyers end
            as own_base_untracked_buyers
    from tracked
),

-- Days that are known stand for all days of a base; as decimals, whose sums stay exact, of so many
-- places that parts, each rounded, still come to their whole.
final as (
    select
        business_date,
        comparison,
        platform,
        dimension,
        segment,
        {% for name in counts[:3] %}
            own_{{ name }} as {{ name }},
            cast(own_base_{{ name }} * base_weight as decimal(38, 12)) as base_{{ name }},
        {% endfor %}
        {% for name in counts[3:] %}
            {{ name }},
            cast(base_{{ name }} * base_weight as decimal(38, 12)) as base_{{ name }},
        {% endfor %}
        has_changed_tracking,
        has_gap,
        is_one_sided
    from decided
)

select * from final
