with orders as (
    select * from {{ ref('int_orders_attributed') }}
    where is_paid
),

refunds as (
    select * from {{ ref('int_refunds_converted') }}
),

touches as (
    select * from {{ ref('int_touches_credited') }}
),

refunders as (
    select * from {{ ref('int_platforms_refunding') }}
),

paid as (
    select
        {{ join_key(['source', 'order_id']) }} as order_key,
        business_date,
        platform,
        paid_amount,
        cast(coalesce(order_number = 1, false) as integer) as new_customers
    from orders
),

-- what is shared out: each order on the day of its payment, each refund on its own
entries as (
    select
        order_key,
        business_date,
        platform,
        1 as orders,
        new_customers,
        paid_amount as gmv,
        cast(0 as decimal(18, 2)) as refunds
    from paid
    union all
    select
        paid.order_key,
        refunds.refund_date as business_date,
        paid.platform,
        0 as orders,
        0 as new_customers,
        cast(0 as decimal(18, 2)) as gmv,
        -refunds.goods_amount as refunds
    from refunds
    inner join paid on refunds.main_order_key = paid.order_key
),

-- amounts are widened, for the product of two decimals may be given too few digits
credited as (
    select
        entries.business_date,
        entries.platform,
        cast(entries.orders as decimal(24, 2)) as orders,
        cast(entries.new_customers as decimal(24, 2)) as new_customers,
        cast(entries.gmv as decimal(24, 2)) as gmv,
        cast(entries.refunds as decimal(24, 2)) as refunds,
        {% for model in attribution_models() %}
            coalesce(touches.credit_{{ model }}, {{ credit_share('1') }}) as credit_{{ model }},
        {% endfor %}
        coalesce(touches.channel, '(unattributed)') as channel,
        coalesce(touches.campaign, '(none)') as campaign
    from entries
    left join touches on entries.order_key = touches.conversion_key
),

summed as (
    select
        business_date,
        platform,
        {% for model in attribution_models() %}
            sum(orders * credit_{{ model }}) as {{ model }}_orders,
            sum(new_customers * credit_{{ model }}) as {{ model }}_new_customers,
            sum(gmv * credit_{{ model }}) as {{ model }}_gmv,
            sum(refunds * credit_{{ model }}) as {{ model }}_refunds,
        {% endfor %}
        channel,
        campaign
    from credited
    group by business_date, platform, channel, campaign
),

-- one row per model; a touch that a model gives nothing has no row there
final as (
    {% for model in attribution_models() %}
        select
            summed.business_date,
            summed.platform,
            '{{ model }}' as model,
            channel,
            campaign,
            {{ model }}_orders as orders,
            {{ model }}_new_customers as new_customers,
            {{ model }}_gmv as gmv,
            case when refunders.platform is not null then {{ model }}_refunds end as refunds
        from summed
        left join refunders on summed.platform = refunders.platform
        where {{ model }}_orders > 0 or {{ model }}_gmv != 0 or {{ model }}_refunds != 0
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from final
