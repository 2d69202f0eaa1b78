-- Money credited over all days is what staging says was paid less what was refunded, by the
-- shortest way; and the credits of each order sum to exactly one.
with

paid as (
    select
        sum(paid_amount) as gmv,
        count(*) as orders
    from {{ ref('fct_orders') }}
    where is_paid
),

refunded as (
    select sum(refunds.goods_amount) as refunds
    from {{ ref('int_refunds_converted') }} as refunds
    inner join {{ ref('stg_raw__orders') }} as staged on refunds.order_key = staged.order_key
    inner join {{ ref('fct_orders') }} as orders
        on staged.main_order_key = {{ join_key(['orders.source', 'orders.order_id']) }}
    where orders.is_paid
),

credited as (
    select
        model,
        sum(credited_gmv) as gmv,
        sum(credited_refunds) as refunds,
        sum(credited_orders) as orders
    from {{ ref('fct_attribution_daily') }}
    group by model
),

final as (
    select credited.model as what
    from credited
    cross join paid
    cross join refunded
    where
        abs(credited.gmv - paid.gmv) > greatest(1e-4, 1e-9 * paid.gmv)
        or abs(credited.refunds + coalesce(refunded.refunds, 0)) > greatest(1e-4, 1e-9 * paid.gmv)
        or abs(credited.orders - paid.orders) > greatest(1e-6, 1e-9 * paid.orders)
    union all
    select conversion_key as what
    from {{ ref('int_touches_credited') }}
    group by conversion_key
    having
    {% for model in attribution_models() -%}
            sum(credit_{{ model }}) != 1{{ ' or ' if not loop.last }}
    {% endfor %}
)

select * from final
