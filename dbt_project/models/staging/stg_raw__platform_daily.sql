{{ replace(rows='version', day='report_date', order_by=['report_date']) }}

with

latest as (
    {{ latest_versions('platform_daily') }}
),

final as (
    select
        -- identifiers
        source,
        report_date,
        platform,
        shop_id,
        -- figures
        currency,
        paid_amount,
        orders,
        buyers,
        sub_orders,
        refund_amount,
        visitors,
        -- delivery
        _row_key,
        _batch_id,
        _is_tied
    from latest
)

select * from final
