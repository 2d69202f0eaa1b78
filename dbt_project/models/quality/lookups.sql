with

counted as (
    select * from {{ ref('int_lookups_counted') }}
),

span as (
    select max(business_date) as last_date from {{ ref('int_calendar_days') }}
),

-- rows that tell no day are counted whole
recent as (
    select counted.*
    from counted
    cross join span
    where counted.day is null or counted.day > span.last_date - {{ var('orphan_days') }}
),

summed as (
    select
        feed,
        looks_for,
        source,
        sum(rows) as rows,
        sum(amount) as amount,
        sum(orphan_rows) as orphan_rows,
        sum(orphan_amount) as orphan_amount,
        max(case when orphan_rows > 0 then day end) as last_orphan_date,
        coalesce(
            max_by(examples, day) filter (where orphan_rows > 0 and examples is not null),
            max(examples)
        ) as examples
    from recent
    group by feed, looks_for, source
),

rated as (
    select
        *,
        {{ ratio('orphan_rows', 'rows') }} as orphan_rate,
        {{ ratio('orphan_amount', 'amount') }} as orphan_amount_rate
    from summed
),

final as (
    select
        feed,
        looks_for,
        source,
        cast(rows as bigint) as rows,
        cast(amount as decimal(18, 2)) as amount,
        cast(orphan_rows as bigint) as orphan_rows,
        cast(orphan_amount as decimal(18, 2)) as orphan_amount,
        orphan_rate,
        orphan_amount_rate,
        {{ is_material() }} as is_material,
        last_orphan_date,
        examples
    from rated
)

select * from final
