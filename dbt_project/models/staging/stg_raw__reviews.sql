{{ replace(
    rows='version', key='order_key', affected={'stg_raw__order_aliases': 'key'},
    order_by=['reviewed_at']
) }}

with

latest as (
    {{ latest_versions('reviews') }}
),

named as (
    {{ with_own_orders('latest', ['source']) }}
),

final as (
    select
        -- identifiers
        source,
        review_id,
        order_id,
        own_order_key as order_key,
        product_id,
        -- instants
        reviewed_at,
        -- figures
        rating,
        -- delivery
        _row_key,
        _batch_id,
        _is_tied
    from named
)

select * from final
