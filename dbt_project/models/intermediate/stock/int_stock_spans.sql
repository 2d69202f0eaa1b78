{# A span logs where it ends; where it begins, and what lies within, its counts and movements do. #}
{{ replace(
    rows='whole', day='last_date', also_days=['last_moved_date'],
    affected={'stg_raw__inventory_snapshots': 'key', 'stg_raw__inventory_movements': 'key'}
) }}

with

-- a count is of a day where its source is, so are the movements it is held against
zones as (
    select
        source,
        timezone,
        is_expected_daily
    from {{ source('raw', 'sources') }}
    where feed = 'inventory_movements'
),

moved as (
    select
        movements.source,
        movements.product_id,
        movements.product_key,
        movements.warehouse,
        {{ date_in_zone(
            'movements.moved_at', "coalesce(zones.timezone, '" ~ var('reporting_timezone') ~ "')"
        ) }} as business_date,
        coalesce(zones.is_expected_daily, false) as is_expected_daily
    from {{ ref('stg_raw__inventory_movements') }} as movements
    left join zones on movements.source = zones.source
),

told as (
    select
        source,
        min(business_date) as first_moved_date,
        max(business_date) as last_moved_date,
        bool_or(is_expected_daily) as is_expected_daily
    from moved
    group by source
),

seen as (
    select
        source,
        product_id,
        product_key,
        warehouse,
        snapshot_date as business_date
    from {{ ref('stg_raw__inventory_snapshots') }}
    union
    select
        source,
        product_id,
        product_key,
        warehouse,
        business_date
    from moved
),

last_days as (
    select
        source,
        max(business_date) as last_date
    from seen
    group by source
),

-- what a warehouse tells no more of for four weeks it does not keep any more
final as (
    select
        seen.source,
        seen.product_id,
        seen.product_key,
        seen.warehouse,
        min(seen.business_date) as first_date,
        least(max(seen.business_date) + 28, max(last_days.last_date)) as last_date,
        min(told.first_moved_date) as first_moved_date,
        max(told.last_moved_date) as last_moved_date,
        coalesce(bool_or(told.is_expected_daily), false) as is_expected_daily
    from seen
    inner join last_days on seen.source = last_days.source
    left join told on seen.source = told.source
    group by seen.source, seen.product_id, seen.product_key, seen.warehouse
)

select * from final
