with

rooms as (
    select * from {{ ref('stg_raw__live_sessions') }}
),

orders as (
    select * from {{ ref('int_orders_rolled_up') }}
    where is_paid
),

purchases as (
    select * from {{ ref('int_purchases_tracked') }}
    where live_room_id is not null
),

placed as (
    select * from {{ ref('stg_raw__orders') }}
),

-- of a creator's, what was booked for having sold the order
commissions as (
    select
        orders.main_order_key,
        sum({{ at_the_orders_rate('amount', 2) }}) as commission_amount
    from {{ ref('stg_raw__order_costs') }} as items
    inner join placed as orders on items.order_key = orders.order_key
    where items.cost_type = 'creator_commission'
    group by orders.main_order_key
),

named as (
    select
        orders.main_order_key,
        rooms.source,
        rooms.live_room_id,
        'events' as room_basis
    from purchases
    inner join orders
        on
            purchases.platform = orders.platform
            and purchases.shop_id = orders.shop_id
            and purchases.order_id = orders.order_id
    inner join rooms
        on
            purchases.platform = rooms.platform
            and purchases.shop_id = rooms.shop_id
            and purchases.live_room_id = rooms.live_room_id
    qualify
        row_number() over (
            partition by orders.main_order_key
            order by purchases.occurred_at, purchases.event_id, rooms.source, rooms.live_room_id
        ) = 1
),

room_days as (
    select
        rooms.*,
        {{ local_date('started_at') }} as on_date
    from rooms
    where kind = 'creator'
    union
    select
        rooms.*,
        {{ local_date('ended_at') }} as on_date
    from rooms
    where kind = 'creator'
),

-- placed while one creator's room was on; with two at once it is not known whose it was
sold as (
    select
        orders.main_order_key,
        room_days.source,
        room_days.live_room_id,
        'commission' as room_basis
    from commissions
    inner join orders on commissions.main_order_key = orders.main_order_key
    inner join room_days
        on
            orders.platform = room_days.platform
            and orders.shop_id = room_days.shop_id
            and orders.order_date = room_days.on_date
    where
        orders.ordered_at >= room_days.started_at
        and orders.ordered_at < room_days.ended_at
        and orders.main_order_key not in (select named.main_order_key from named)
    qualify count(*) over (partition by orders.main_order_key) = 1
),

linked as (
    select * from named
    union all
    select * from sold
),

final as (
    select
        linked.source,
        linked.live_room_id,
        linked.room_basis,
        linked.main_order_key,
        orders.paid_goods_amount as gmv,
        orders.refunded_amount,
        commissions.commission_amount
    from linked
    inner join orders on linked.main_order_key = orders.main_order_key
    left join commissions on linked.main_order_key = commissions.main_order_key
)

select * from final
