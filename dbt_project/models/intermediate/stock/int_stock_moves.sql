{# A movement is logged on its day in UTC, which is a day or none away from that of its source. #}
{{ replace(
    rows='day', day='business_date', order_by=['business_date'],
    affected={
        'stg_raw__inventory_snapshots': [0, 0], 'stg_raw__inventory_movements': [-1, -1],
        'int_stock_spans': [0, 0]
    },
    suffix=['stg_raw__inventory_snapshots', 'stg_raw__inventory_movements', 'int_stock_spans']
) }}
{% set moves = ['received', 'sold', 'returned', 'adjusted', 'net_units'] %}

with

spans as (
    select * from {{ ref('int_stock_spans') }}
),

snapshots as (
    select * from {{ ref('stg_raw__inventory_snapshots') }}
    where {{ only_affected_days('snapshot_date') }}
),

zones as (
    select
        source,
        timezone
    from {{ source('raw', 'sources') }}
    where feed = 'inventory_movements'
),

moved as (
    select
        movements.*,
        {{ date_in_zone(
            'movements.moved_at', "coalesce(zones.timezone, '" ~ var('reporting_timezone') ~ "')"
        ) }} as business_date
    from {{ ref('stg_raw__inventory_movements') }} as movements
    left join zones on movements.source = zones.source
    where {{ only_affected_days('cast(movements.moved_at as date)', before=1, after=1) }}
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
        sum(quantity) as net_units
    from moved
    group by product_key, warehouse, business_date
),

told_days as (
    select distinct
        source,
        business_date
    from moved
),

days as (
    select
        *,
        {{ each_day('first_date', 'last_date') }} as business_date
    from spans
),

final as (
    select
        days.source,
        days.product_id,
        days.product_key,
        days.warehouse,
        days.business_date,
        snapshots.on_hand,
        snapshots.in_transit,
        snapshots.reserved,
        coalesce(
            days.business_date between days.first_moved_date and days.last_moved_date
            and (told_days.source is not null or not days.is_expected_daily),
            false
        ) as is_moves_known,
        {% for name in moves %}
            cast(coalesce(movements.{{ name }}, 0) as bigint) as {{ name }},
        {% endfor %}
        days.first_date
    from days
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
    where {{ only_affected_days('days.business_date') }}
)

select * from final
