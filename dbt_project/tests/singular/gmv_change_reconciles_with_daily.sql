-- Both sides of the comparisons with days before are the daily table's own figures; visitors and
-- the tracking of buyers only where it is the same on both sides. A base with days of lost orders
-- is one of fewer platforms or days.
{% set tracking = ['visitors', 'tracked_buyers', 'untracked_buyers'] %}
{% set others = ['buyers', 'identified_orders', 'anonymous_orders', 'orders', 'gmv'] %}
with daily as (
    select * from {{ ref('fct_gmv_daily') }}
),

lost as (
    select distinct period_start as business_date from {{ ref('int_gmv_known') }}
    where grain = 'day' and has_sold and not is_sales_known
),

changes as (
    select
        *,
        business_date
        - case comparison when 'last_week' then 7 when 'last_year' then 364 else 1 end
            as last_base_date,
        case when comparison = 'trailing_28d' then 28 else 1 end as base_days
    from {{ ref('fct_gmv_change') }}
    where comparison in ('previous_day', 'last_week', 'last_year', 'trailing_28d')
),

partly as (
    select distinct
        changes.business_date,
        changes.comparison,
        true as is_partly
    from changes
    cross join lost
    where
        changes.dimension = 'all'
        and (
            changes.business_date = lost.business_date
            or (
                changes.last_base_date >= lost.business_date
                and changes.last_base_date - changes.base_days < lost.business_date
            )
        )
),

bases as (
    select
        changes.business_date,
        changes.comparison,
        changes.dimension,
        changes.segment,
        coalesce(sum(daily.visitors), 0) as base_visitors,
        coalesce(sum(daily.tracked_buyers), 0) as base_tracked_buyers,
        coalesce(sum(daily.untracked_buyers), 0) as base_untracked_buyers,
        coalesce(sum(daily.buyers), 0) as base_buyers,
        coalesce(sum(daily.identified_orders), 0) as base_identified_orders,
        coalesce(sum(daily.anonymous_orders), 0) as base_anonymous_orders,
        coalesce(sum(daily.orders), 0) as base_orders,
        coalesce(sum(daily.gmv), 0) as base_gmv
    from changes
    left join daily
        on
            changes.dimension = daily.dimension
            and changes.segment = daily.segment
            and changes.last_base_date >= daily.business_date
            and changes.last_base_date - changes.base_days < daily.business_date
    group by changes.business_date, changes.comparison, changes.dimension, changes.segment
)

select changes.*
from changes
inner join bases
    on
        changes.business_date = bases.business_date
        and changes.comparison = bases.comparison
        and changes.dimension = bases.dimension
        and changes.segment = bases.segment
left join partly
    on
        changes.business_date = partly.business_date
        and changes.comparison = partly.comparison
left join daily
    on
        changes.business_date = daily.business_date
        and changes.dimension = daily.dimension
        and changes.segment = daily.segment
where
    {% for name in tracking + others %}
        {{ 'or ' if not loop.first -}} (
            {{ "changes.method = 'lmdi' and" if name in tracking else '' }} (
                coalesce(changes.{{ name }}, 0) != cast(coalesce(daily.{{ name }}, 0) as double)
                or (
                    partly.is_partly is null
                    and abs(
                        coalesce(changes.base_{{ name }}, 0) * changes.base_days
                        - bases.base_{{ name }}
                    ) > 1e-9 * bases.base_{{ name }}
                )
            )
        )
    {% endfor %}
