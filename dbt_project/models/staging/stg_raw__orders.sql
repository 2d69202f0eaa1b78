{{ replace(
    rows='version', key='main_order_key', touch='main_order_key', order_by=['order_date'],
    affected={'stg_raw__order_aliases': 'key'}
) }}

with

latest as (
    {{ latest_versions('orders') }}
),

-- a child order may know its main order by another name than the main order's own id
named as (
    {{ with_own_orders('latest', ['source'], name='parent_order_id') }}
),

final as (
    select
        -- identifiers
        source,
        order_id,
        aliases,
        own_order_id as parent_order_id,
        {{ join_key(['source', 'order_id']) }} as order_key,
        coalesce(own_order_key, {{ join_key(['source', 'order_id']) }}) as main_order_key,
        platform,
        shop_id,
        customer_key,
        address_key,
        device_key,
        -- instants and local dates
        ordered_at,
        paid_at,
        deposit_paid_at,
        shipped_at,
        {{ local_date('ordered_at') }} as order_date,
        case when {{ is_fully_paid() }} then {{ local_date('paid_at') }} end as business_date,
        -- state
        status,
        {{ is_fully_paid() }} as is_paid,
        is_shipped,
        coalesce(is_presale, false) as is_presale,
        payment_method,
        coupon_code,
        -- amounts
        currency,
        order_amount,
        original_amount,
        case
            when currency = '{{ var("reporting_currency") }}' then 1
            -- not landed before rates were kept; both amounts tell it
            else coalesce(
                exchange_rate,
                cast({{ ratio('order_amount', 'original_amount') }} as decimal(18, 8))
            )
        end as exchange_rate,
        coalesce(merchant_discount, 0) as merchant_discount,
        coalesce(platform_discount, 0) as platform_discount,
        coalesce(creator_discount, 0) as creator_discount,
        coalesce(shipping_amount, 0) as shipping_amount,
        coalesce(tax_amount, 0) as tax_amount,
        total_amount,
        deposit_amount,
        -- where the buyer came from
        utm_source,
        utm_medium,
        utm_campaign,
        channel,
        device,
        region,
        -- delivery
        _row_key,
        _batch_id,
        _is_tied
    from named
)

select * from final
