with

made as (
    select * from {{ ref('int_lookups_of_costs') }}
    union all
    select * from {{ ref('int_lookups_of_refunds') }}
    union all
    select * from {{ ref('int_lookups_of_sales') }}
    union all
    select * from {{ ref('int_lookups_of_visits') }}
    union all
    select * from {{ ref('int_lookups_of_service') }}
    union all
    select * from {{ ref('int_lookups_of_members') }}
    union all
    select * from {{ ref('int_lookups_of_stock') }}
),

counted as (
    select
        feed,
        looks_for,
        source,
        day,
        sum(row_count) as rows,
        sum(amount) as amount,
        sum(case when is_found then 0 else row_count end) as orphan_rows,
        sum(case when is_found then null else amount end) as orphan_amount
    from made
    group by feed, looks_for, source, day
),

ids as (
    select distinct
        feed,
        looks_for,
        source,
        day,
        example_id
    from made
    where not is_found
),

numbered as (
    select
        *,
        row_number() over (
            partition by feed, looks_for, source, day
            order by example_id asc nulls last
        ) as id_number
    from ids
),

examples as (
    select
        feed,
        looks_for,
        source,
        day,
        {{ joined_text('example_id', ', ', 'id_number') }} as examples
    from numbered
    where id_number <= 5
    group by feed, looks_for, source, day
),

final as (
    select
        counted.feed,
        counted.looks_for,
        counted.source,
        counted.day,
        cast(counted.rows as bigint) as rows,
        cast(counted.amount as decimal(18, 2)) as amount,
        cast(counted.orphan_rows as bigint) as orphan_rows,
        cast(counted.orphan_amount as decimal(18, 2)) as orphan_amount,
        examples.examples
    from counted
    left join examples
        on
            counted.feed = examples.feed
            and counted.looks_for = examples.looks_for
            and counted.source = examples.source
            and counted.day is not distinct from examples.day
)

select * from final
