with

counted as (
    select * from {{ ref('int_lookups_counted') }}
),

final as (
    select
        feed,
        source,
        day,
        orphan_rows as rows,
        orphan_amount as amount,
        examples,
        looks_for
    from counted
    where orphan_rows > 0
)

select * from final
