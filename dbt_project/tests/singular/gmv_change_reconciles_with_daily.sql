-- Both sides of the comparisons with one base day are the daily table's own figures.
with daily as (
    select * from {{ ref('fct_gmv_daily') }}
),

changes as (
    select
        *,
        business_date - case comparison
            when 'previous_day' then 1 when 'last_week' then 7 else 364
        end as base_date
    from {{ ref('fct_gmv_change') }}
    where comparison in ('previous_day', 'last_week', 'last_year')
)

select changes.*
from changes
left join daily
    on
        changes.business_date = daily.business_date
        and changes.dimension = daily.dimension
        and changes.segment = daily.segment
left join daily as base
    on
        changes.base_date = base.business_date
        and changes.dimension = base.dimension
        and changes.segment = base.segment
where
    changes.gmv != cast(coalesce(daily.gmv, 0) as double)
    or changes.base_gmv != cast(coalesce(base.gmv, 0) as double)
