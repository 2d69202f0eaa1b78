-- Cohorts are disjoint and complete: over all days they hold every visitor of a platform with an
-- event, and every customer with a paid order, once; also in each dimension and by months.
-- What holds over all days alone is tested when all rows are.
{% set is_tested = only_all_rows(['stg_raw__events', 'fct_orders']) %}
with

staged as (
    select
        'visit' as kind,
        count(distinct {{ join_key(['platform', 'visitor_key']) }}) as members
    from {{ ref('stg_raw__events') }}
    where visitor_key is not null and {{ is_tested }}
    union all
    select
        'purchase' as kind,
        count(distinct customer_key) as members
    from {{ ref('fct_orders') }}
    where is_paid and {{ is_tested }}
),

sizes as (
    select
        'day' as grain,
        kind,
        dimension,
        sum(cohort_size) as members
    from {{ ref('fct_retention_daily') }}
    where period_number = 0 and retention_type = 'classic' and {{ is_tested }}
    group by kind, dimension
    union all
    select
        'month' as grain,
        kind,
        dimension,
        sum(cohort_size) as members
    from {{ ref('fct_retention_monthly') }}
    where period_number = 0 and retention_type = 'classic' and {{ is_tested }}
    group by kind, dimension
),

final as (
    select
        staged.kind,
        sizes.grain,
        sizes.dimension
    from staged
    left join sizes on staged.kind = sizes.kind
    where coalesce(sizes.members, 0) != staged.members
)

select * from final
