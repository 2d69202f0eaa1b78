{# Apart from the orders themselves: a child order looks its main order up by these names. #}
{{ replace(
    rows='version', touch=join_key(['source', 'order_id']), order_by=['order_id'],
    each=parts_of("order_id || coalesce('|' || aliases, '')", '|'),
    touch_each=[
        join_key(['source', plain_order_id('part')]),
        join_key(['platform', 'shop_id', plain_order_id('part')])
    ]
) }}

with

latest as (
    {{ latest_versions('orders') }}
),

final as (
    select
        source,
        platform,
        shop_id,
        order_id,
        aliases,
        -- delivery
        _row_key,
        _batch_id
    from latest
)

select * from final
