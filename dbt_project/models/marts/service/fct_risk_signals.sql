{{ replace(
    rows='day', day='business_date', order_by=['business_date'],
    affected={'int_orders_watched': [0, 0]}
) }}

with

orders as (
    select * from {{ ref('int_orders_watched') }}
    where {{ only_affected_days('order_day') }}
),

rules as (
    {% for place in ['address', 'device'] %}
        select
            orders.*,
            'shared_{{ place }}' as rule,
            has_customer
            and {{ place }}_accounts <= {{ var('risk_most_accounts') }} as is_evaluable,
            {{ place }}_accounts >= {{ var('risk_accounts') }} as is_risk,
            1 - {{ ratio('1', place ~ '_accounts') }} as risk_score,
            'accounts=' || {{ place }}_accounts || '; days=90' as told
        from orders
        -- most exports tell no device: of a shop that tells none the address says what can be said
        {{ "where device_accounts is not null" if place == 'device' }}
        union all
    {% endfor %}
    select
        orders.*,
        'serial_refunds' as rule,
        has_customer as is_evaluable,
        refunded_orders >= {{ var('risk_refunded_orders') }}
        and refunded_orders * 2 >= recent_orders as is_risk,
        least({{ ratio('refunded_orders', 'recent_orders') }}, 1) as risk_score,
        'refunded_orders=' || refunded_orders || '; orders=' || recent_orders || '; days=180'
            as told
    from orders
    union all
    select
        orders.*,
        'velocity' as rule,
        has_customer as is_evaluable,
        four_orders_hours <= 24 as is_risk,
        1 - four_orders_hours / 48 as risk_score,
        'orders=4; hours=' || cast(cast(four_orders_hours as decimal(18, 1)) as string) as told
    from orders
    union all
    select
        orders.*,
        'unusual_address' as rule,
        has_customer and has_address and placed_amount is not null as is_evaluable,
        usual_orders >= {{ var('risk_usual_orders') }} and placed_amount > usual_amount_p95
            as is_risk,
        1 - {{ ratio('usual_amount_p95', 'placed_amount') }} as risk_score,
        'amount=' || placed_amount || '; usual_p95='
        || cast(cast(usual_amount_p95 as decimal(18, 2)) as string) || '; orders=' || usual_orders
            as told
    from orders
),

final as (
    select
        source,
        order_id,
        rule,
        case when coalesce(is_evaluable, false) then 'risk' else 'not_evaluable' end as status,
        platform,
        shop_id,
        order_day as business_date,
        case when is_evaluable then risk_score end as score,
        case when is_evaluable then told end as evidence
    from rules
    where not coalesce(is_evaluable, false) or coalesce(is_risk, false)
)

select * from final
