{{ replace(
    rows='key', key='name_key', touch='name_key', touch_each=['own_key'], order_by=['name_key'],
    affected={'stg_raw__order_names': 'key'}
) }}

with

orders as (
    select
        *,
        {{ plain_order_id('order_id') }} as plain_id
    from {{ ref('stg_raw__order_names') }}
),

aliases as (
    select
        source,
        platform,
        shop_id,
        order_id,
        plain_id,
        {{ parts_of('aliases', '|') }} as alias
    from orders
    where aliases is not null
),

-- an id that is not plain itself is a name as it stands and plain
named as (
    select
        source,
        platform,
        shop_id,
        order_id,
        {{ plain_order_id('alias') }} as name
    from aliases
    where {{ plain_order_id('alias') }} <> order_id
    union all
    select
        source,
        platform,
        shop_id,
        order_id,
        plain_id as name
    from orders
    where order_id <> plain_id
    union all
    select
        source,
        platform,
        shop_id,
        order_id,
        order_id as name
    from orders
    where order_id <> plain_id
),

-- feeds of the orders' source know an order by that, events of another by platform and shop
keyed as (
    {% for scope in [['source'], ['platform', 'shop_id']] %}
        select
            order_id,
            {{ join_key(scope + ['name']) }} as name_key,
            {{ join_key(scope + ['order_id']) }} as own_key
        from named
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

touched as (
    select * from keyed
    where {{ only_touched_keys('name_key') }}
),

owners as (
    {% for scope in [['source'], ['platform', 'shop_id']] %}
        select {{ join_key(scope + ['order_id']) }} as own_key from orders
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

claimed as (
    select own_key from owners
    where own_key in (select touched.name_key from touched)
),

-- what several orders are called stands for none of them
final as (
    select
        touched.name_key,
        min(touched.own_key) as own_key,
        min(touched.order_id) as order_id
    from touched
    left join claimed on touched.name_key = claimed.own_key
    group by touched.name_key
    having
        min(touched.own_key) = max(touched.own_key)
        and coalesce(min(claimed.own_key), min(touched.own_key)) = min(touched.own_key)
)

select * from final
