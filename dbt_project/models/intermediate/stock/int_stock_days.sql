with

snapshots as (
    select * from {{ ref('stg_raw__inventory_snapshots') }}
),

-- a snapshot is of a day where its source is, so are the movements it is held against
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
        movements.kind,
        movements.quantity,
        coalesce(zones.is_expected_daily, false) as is_expected_daily
    from {{ ref('stg_raw__inventory_movements') }} as movements
    left join zones on movements.source = zones.source
),

movements as (
    select
        product_key,
        warehouse,
        business_date,
        sum(case when kind = 'receipt' then quantity else 0 end) as received,
        sum(case when kind = 'sale' then -quantity else 0 end) as sold,
        sum(case when kind = 'return' then quantity else 0 end) as returned,
        sum(case when kind = 'adjustment' then quantity else 0 end) as adjusted,
        sum(quantity) as net_quantity
    from moved
    group by product_key, warehouse, business_date
),

-- of a source that delivers daily a day without any movement was lost
told as (
    select
        source,
        min(business_date) as first_date,
        max(business_date) as last_date,
        bool_or(is_expected_daily) as is_expected_daily
    from moved
    group by source
),

told_days as (
    select distinct
        source,
        business_date
    from moved
),

seen as (
    select
        source,
        product_id,
        product_key,
        warehouse,
        snapshot_date as business_date
    from snapshots
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
spans as (
    select
        seen.source,
        seen.product_id,
        seen.product_key,
        seen.warehouse,
        min(seen.business_date) as first_date,
        least(max(seen.business_date) + 28, max(last_days.last_date)) as last_date
    from seen
    inner join last_days on seen.source = last_days.source
    group by seen.source, seen.product_id, seen.product_key, seen.warehouse
),

days as (
    select
        source,
        product_id,
        product_key,
        warehouse,
        {{ each_day('first_date', 'last_date') }} as business_date
    from spans
),

joined as (
    select
        days.*,
        snapshots.on_hand,
        snapshots.in_transit,
        snapshots.reserved,
        coalesce(
            days.business_date between told.first_date and told.last_date
            and (told_days.source is not null or not told.is_expected_daily),
            false
        ) as is_moves_known,
    {% for name in ['received', 'sold', 'returned', 'adjusted', 'net_quantity'] %}
        coalesce(movements.{{ name }}, 0) as {{ name }}{{ ',' if not loop.last }}
    {% endfor %}
    from days
    left join told on days.source = told.source
    left join told_days
        on days.source = told_days.source and days.business_date = told_days.business_date
    left join snapshots
        on
            days.product_key = snapshots.product_key
            and days.warehouse = snapshots.warehouse
            and days.business_date = snapshots.snapshot_date
    left join movements
        on
            days.product_key = movements.product_key
            and days.warehouse = movements.warehouse
            and days.business_date = movements.business_date
),

summed as (
    select
        *,
        lag(on_hand) over so_far as opening,
        sum(net_quantity) over so_far as net_so_far,
        sum(case when is_moves_known then 0 else 1 end) over so_far as unknown_so_far
    from joined
    window so_far as (partition by product_key, warehouse order by business_date)
),

-- stock is held against the last count before it and all that moved in between
compared as (
    select
        product_key,
        warehouse,
        business_date,
        on_hand - net_so_far - lag(on_hand - net_so_far) over so_far as unexplained_units,
        unknown_so_far - lag(unknown_so_far) over so_far as unknown_days
    from summed
    where on_hand is not null
    window so_far as (partition by product_key, warehouse order by business_date)
),

final as (
    select
        summed.source,
        summed.product_id,
        summed.product_key,
        summed.warehouse,
        summed.business_date,
        summed.opening,
        summed.on_hand,
        summed.in_transit,
        summed.reserved,
        summed.is_moves_known,
        summed.received,
        summed.sold,
        summed.returned,
        summed.adjusted,
        case when compared.unknown_days = 0 then compared.unexplained_units end as unexplained_units
    from summed
    left join compared
        on
            summed.product_key = compared.product_key
            and summed.warehouse = compared.warehouse
            and summed.business_date = compared.business_date
)

select * from final
