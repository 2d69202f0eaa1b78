-- The version of each landed row that counts: the newest, of one instant that of the greatest batch.
-- Rows told once, nearly all, are found by a hash and not sorted.
create or replace table events as
with landed as (
    select *, hash(source, event_id) as row_hash
    from read_parquet('{landing}/events/batch=*/data.parquet', hive_partitioning = true)
),
repeated as (
    select row_hash from landed group by row_hash having count(*) > 1
),
newest as (
    from landed where row_hash not in (from repeated)
    union all
    from (
        from landed where row_hash in (from repeated)
        qualify row_number() over (partition by source, event_id order by _version_at desc, batch desc) = 1
    )
)
select
    event_id,
    dense_shop as shop,
    cast(visitor_key as uuid) as visitor,
    cast(customer_key as uuid) as person,
    occurred_at,
    event_type,
    list_position(['home', 'product_view', 'add_to_cart', 'checkout', 'purchase'], event_type) as step,
    order_id,
    utm_source,
    utm_medium,
    utm_campaign,
    referrer,
    device,
    region
from newest
inner join shops using (platform, shop_id);

create or replace table orders as
from read_parquet('{landing}/orders/batch=*/data.parquet', hive_partitioning = true)
qualify row_number() over (partition by source, order_id order by _version_at desc, batch desc) = 1;

-- a newer version of an order replaces all its lines
create or replace table lines as
from read_parquet('{landing}/order_items/batch=*/data.parquet', hive_partitioning = true)
qualify rank() over (partition by source, _unit_key order by _version_at desc, batch desc) = 1;

create or replace table refunds as
from read_parquet('{landing}/refunds/batch=*/data.parquet', hive_partitioning = true)
qualify row_number() over (partition by source, refund_id order by _version_at desc, batch desc) = 1;

create or replace table traffic as
from read_parquet('{landing}/traffic_daily/batch=*/data.parquet', hive_partitioning = true)
where grain = 'shop'
qualify row_number() over (partition by source, _row_key order by _version_at desc, batch desc) = 1;

-- an order that goes by other names
update events
set order_id = named.order_id
from (
    select order_id, platform, shop_id, unnest(string_split(aliases, '|')) as alias from orders
) as named
inner join shops using (platform, shop_id)
where events.event_type = 'purchase' and events.order_id = named.alias and events.shop = shops.dense_shop;

-- the purchases of an order that a visitor tells again
update events
set event_type = 'other', step = null
where rowid in (
    select rowid
    from events
    where event_type = 'purchase' and order_id is not null and visitor is not null
    qualify occurred_at > min(occurred_at) over (partition by shop, visitor, order_id)
);
