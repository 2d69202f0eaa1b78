{% set factors = {'parcel': var('footprint_parcel'), 'return': var('footprint_returned')} %}
{% set kg_of_parcel = 'null' if factors.parcel is none else factors.parcel %}
{% set kg_of_return = 'null' if factors.return is none else factors.return %}

with

orders as (
    select * from {{ ref('int_orders_rolled_up') }}
    where is_paid
),

placed as (
    select * from {{ ref('stg_raw__orders') }}
),

sent as (
    select
        parcels.*,
        placed.main_order_key,
        row_number() over (
            partition by placed.main_order_key
            order by parcels.shipped_at, parcels.source, parcels.shipment_id
        ) as parcel_number,
        count(*) over (partition by placed.main_order_key) as parcel_count
    from {{ ref('stg_raw__shipments') }} as parcels
    inner join placed on parcels.order_key = placed.order_key
    where parcels.shipped_at is not null
),

-- what the export of orders says itself
told as (
    select
        main_order_key,
        min(shipped_at) as shipped_at,
        bool_or(coalesce(is_shipped, status in ('shipped', 'completed'))) as is_shipped,
        bool_and(status in ('closed', 'refunded')) as is_closed
    from placed
    group by main_order_key
),

returned as (
    select
        main_order_key,
        count(*) as returns
    from {{ ref('int_refunds_converted') }}
    where kind = 'return'
    group by main_order_key
),

refunding as (
    select * from {{ ref('int_platforms_refunding') }}
),

-- One row a parcel; an order that none has left for is a row too.
legs as (
    select
        orders.main_order_key,
        orders.business_date,
        orders.platform,
        orders.paid_at,
        coalesce(sent.region, orders.region, '(unknown)') as region,
        coalesce(
            sent.carrier,
            case
                when told.is_shipped or coalesce(sent.shipped_at, told.shipped_at) is not null
                    then '(unknown)'
                else '(not shipped)'
            end
        ) as carrier,
        coalesce(sent.shipped_at, told.shipped_at) as shipped_at,
        not (told.is_shipped or told.is_closed) and sent.shipment_id is null
        and told.shipped_at is null as is_waiting,
        sent.shipment_id,
        coalesce(sent.parcel_number, 1) = 1 as is_first,
        coalesce(sent.parcel_count, 0) > 1 as is_split,
        sent.promised_at,
        sent.delivered_at,
        sent.cost,
        case
            when refunding.platform is null then null
            when sent.parcel_number > 1 then 0
            else coalesce(returned.returns, 0)
        end as returns
    from orders
    inner join told on orders.main_order_key = told.main_order_key
    left join sent on orders.main_order_key = sent.main_order_key
    left join returned on orders.main_order_key = returned.main_order_key
    left join refunding on orders.platform = refunding.platform
),

-- from when to when a platform tells of parcels; one that tells nothing has no rows
spans as (
    select
        platform,
        min(shipped_at) as told_from,
        max(greatest(shipped_at, coalesce(delivered_at, shipped_at))) as told_until,
        count(delivered_at) > 0 as tells_delivery
    from legs
    group by platform
    having count(shipped_at) > 0
),

timed as (
    select
        legs.*,
        is_first and shipped_at >= paid_at as is_timed,
        -- whole numbers: their sum is the same in any order
        {{ microseconds('shipped_at') }} - {{ microseconds('paid_at') }} as ship_micros,
        {{ microseconds('delivered_at') }} - {{ microseconds('shipped_at') }} as delivery_micros,
        {{ seconds_between('paid_at', 'shipped_at') }} / 3600 as ship_hours,
        {{ seconds_between('shipped_at', 'delivered_at') }} / 3600 as delivery_hours,
        is_waiting and paid_at >= told_from as is_waiting_known,
        {{ seconds_between('paid_at', 'told_until') }} / 3600 as told_hours,
        tells_delivery and promised_at <= told_until as is_due,
        -- by the factors that the shop tells; none is made up
        case
            {% for told in var('footprint_carriers') %}
                when carrier = '{{ told[0] }}' then cast('{{ told[1] }}' as double)
            {% endfor %}
            when carrier is not null then cast({{ kg_of_parcel }} as double)
        end as parcel_kg
    from legs
    inner join spans on legs.platform = spans.platform
),

summed as (
    select
        business_date,
        platform,
        carrier,
        region,
        count(*) filter (where is_first) as orders,
        count(shipment_id) as parcels,
        count(*) filter (where is_first and is_split) as split_orders,
        count(*) filter (where is_waiting_known) as waiting_orders,
        count(*) filter (where is_waiting_known and told_hours >= 48) as overdue_orders,
        {% for hours in [24, 48] %}
            count(*) filter (
                where is_first and told_hours >= {{ hours }}
                and (shipped_at is not null or is_waiting_known)
            ) as due_{{ hours }}h_orders,
            count(*) filter (
                where is_first and told_hours >= {{ hours }} and ship_hours <= {{ hours }}
            ) as shipped_{{ hours }}h_orders,
        {% endfor %}
        count(*) filter (where is_timed) as timed_orders,
        {{ ratio('sum(case when is_timed then ship_micros end)', 3600000000) }}
            as pay_to_ship_hours,
        {{ percentile('case when is_timed then ship_hours end', 0.5) }} as pay_to_ship_p50_hours,
        {{ percentile('case when is_timed then ship_hours end', 0.9) }} as pay_to_ship_p90_hours,
        count(delivery_hours) as delivered_parcels,
        {{ ratio('sum(delivery_micros)', 3600000000) }} as ship_to_deliver_hours,
        {{ percentile('delivery_hours', 0.5) }} as ship_to_deliver_p50_hours,
        {{ percentile('delivery_hours', 0.9) }} as ship_to_deliver_p90_hours,
        count(*) filter (where is_due) as due_parcels,
        count(*) filter (where is_due and delivered_at <= promised_at) as on_time_parcels,
        count(*) filter (where is_due and delivered_at is null) as undelivered_parcels,
        count(cost) as costed_parcels,
        cast(sum(cost) as decimal(18, 2)) as freight_amount,
        cast(sum(returns) as bigint) as returns,
        count(shipment_id) filter (where parcel_kg is not null) as footprint_parcels,
        -- all of a carrier have the same
        count(shipment_id) * max(parcel_kg) as parcel_co2e_kg
    from timed
    group by business_date, platform, carrier, region
),

final as (
    select
        *,
        returns * cast({{ kg_of_return }} as double) as return_co2e_kg,
        {{ ratio('shipped_24h_orders', 'due_24h_orders') }} as shipped_24h_rate,
        {{ ratio('shipped_48h_orders', 'due_48h_orders') }} as shipped_48h_rate,
        {{ ratio('on_time_parcels', 'due_parcels') }} as on_time_rate
    from summed
)

select * from final
