{{ replace(
    rows='version', key='order_key', affected={'stg_raw__order_aliases': 'key'},
    order_by=['redeemed_date']
) }}

with

latest as (
    {{ latest_versions('coupon_redemptions') }}
),

named as (
    {{ with_own_orders('latest', ['source']) }}
),

final as (
    select
        -- identifiers
        source,
        customer_key,
        coupon_id,
        campaign_id,
        order_id,
        own_order_key as order_key,
        -- instants and local dates
        redeemed_at,
        {{ local_date('redeemed_at') }} as redeemed_date,
        -- delivery
        _row_key,
        _batch_id
    from named
)

select * from final
