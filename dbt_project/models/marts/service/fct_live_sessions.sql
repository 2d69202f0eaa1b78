with

rooms as (
    select * from {{ ref('stg_raw__live_sessions') }}
),

orders as (
    select * from {{ ref('int_live_orders_matched') }}
),

refunding as (
    select * from {{ ref('int_platforms_refunding') }}
),

-- what the console of a marketplace tells of a room
traffic as (
    select
        platform,
        shop_id,
        segment,
        sum(visitors) as visitors,
        sum(page_views) as page_views
    from {{ ref('stg_raw__traffic_daily') }}
    where grain = 'live_room'
    group by platform, shop_id, segment
),

-- A shop knows the orders of its rooms by what its events name, those of a creator's also by the
-- commissions booked; of others nobody knows whether there were none.
knowing as (
    select
        rooms.platform,
        rooms.shop_id,
        bool_or(orders.room_basis = 'events') as by_events,
        bool_or(orders.room_basis = 'commission') as by_commission
    from rooms
    inner join orders
        on rooms.source = orders.source and rooms.live_room_id = orders.live_room_id
    group by rooms.platform, rooms.shop_id
),

summed as (
    select
        source,
        live_room_id,
        count(*) as orders,
        sum(gmv) as gmv,
        sum(refunded_amount) as refunded_amount,
        sum(commission_amount) as commission_amount
    from orders
    group by source, live_room_id
),

measured as (
    select
        rooms.*,
        coalesce(rooms.viewers, traffic.visitors) as told_viewers,
        traffic.page_views,
        refunding.platform is not null as is_refunds_known,
        coalesce(
            summed.live_room_id is not null
            or knowing.by_events
            or knowing.by_commission and rooms.kind = 'creator',
            false
        ) as is_known,
        summed.orders,
        summed.gmv,
        summed.refunded_amount,
        summed.commission_amount
    from rooms
    left join summed
        on rooms.source = summed.source and rooms.live_room_id = summed.live_room_id
    left join knowing on rooms.platform = knowing.platform and rooms.shop_id = knowing.shop_id
    left join traffic
        on
            rooms.platform = traffic.platform
            and rooms.shop_id = traffic.shop_id
            and rooms.live_room_id = traffic.segment
    left join refunding on rooms.platform = refunding.platform
),

known as (
    select
        source,
        live_room_id,
        platform,
        shop_id,
        {{ local_date('started_at') }} as business_date,
        started_at,
        ended_at,
        kind,
        host,
        cast(told_viewers as bigint) as viewers,
        cast(page_views as bigint) as views,
        cast(product_clicks as bigint) as product_clicks,
        cast(case when is_known then coalesce(orders, 0) end as bigint) as orders,
        cast(case when is_known then coalesce(gmv, 0) end as decimal(18, 2)) as gmv,
        cast(
            case when is_known and is_refunds_known then coalesce(gmv - refunded_amount, 0) end
            as decimal(18, 2)
        ) as net_sales,
        cast(case when is_known then commission_amount end as decimal(18, 2)) as commission_amount,
        commission_rate,
        cast(slot_fee as decimal(18, 2)) as slot_fee_amount
    from measured
),

final as (
    select
        *,
        {{ ratio('product_clicks', 'viewers') }} as click_rate,
        {{ ratio('gmv * 1000', 'coalesce(views, viewers)') }} as gpm,
        {{ ratio('net_sales * 1000', 'coalesce(views, viewers)') }} as net_gpm,
        {{ ratio('gmv', 'viewers') }} as gmv_per_viewer,
        {{ ratio('net_sales', 'viewers') }} as net_sales_per_viewer,
        {{ ratio('commission_amount', 'gmv') }} as booked_commission_rate
    from known
)

select * from final
