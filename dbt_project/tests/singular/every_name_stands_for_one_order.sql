-- A name that several orders share stands for none of them, and lines that tell of an order under
-- two names count once. A name that is an order's own id beside another's alias is told of where
-- refunds, lines or parcels of its source do name orders by aliases.
{{ config(severity='warn') }}

with

orders as (
    select
        source,
        order_id,
        order_key,
        aliases
    from {{ ref('stg_raw__orders') }}
),

lookups as (
    select
        source,
        order_id,
        order_key
    from {{ ref('stg_raw__refunds') }}
    union all
    select
        source,
        order_id,
        order_key
    from {{ ref('stg_raw__order_items') }}
    union all
    select
        source,
        order_id,
        order_key
    from {{ ref('stg_raw__shipments') }}
),

aliases as (
    select
        source,
        order_key,
        {{ parts_of('aliases', '|') }} as alias
    from orders
    where aliases is not null
),

names as (
    select
        source,
        order_key,
        {{ plain_order_id('alias') }} as name,
        1 as is_alias
    from aliases
    union
    select
        source,
        order_key,
        {{ plain_order_id('order_id') }} as name,
        0 as is_alias
    from orders
),

shared as (
    select
        source,
        name,
        count(distinct order_key) as orders,
        count(distinct case when is_alias = 1 then order_key end) as alias_orders,
        count(distinct case when is_alias = 0 then order_key end) as own_orders
    from names
    group by source, name
    having count(distinct order_key) > 1
),

speakers as (
    select distinct lookups.source
    from lookups
    inner join aliases
        on lookups.order_key = aliases.order_key
    where {{ plain_order_id('lookups.order_id') }} = {{ plain_order_id('aliases.alias') }}
),

told_twice as (
    select
        orders.source,
        orders.order_id as name,
        count(distinct lines.order_id) as names
    from {{ ref('stg_raw__order_items') }} as lines
    inner join orders on lines.order_key = orders.order_key
    group by orders.source, orders.order_id
    having count(distinct lines.order_id) > 1
),

final as (
    select
        source,
        name,
        'stands for several orders' as trouble,
        orders as count
    from shared
    where
        alias_orders > 1
        or own_orders > 1
        or source in (select speakers.source from speakers)
    union all
    select
        source,
        name,
        'has lines under several names' as trouble,
        names as count
    from told_twice
)

select * from final
