{% set required = [
    'platform_fee', 'payment_fee', 'creator_commission', 'freight', 'freight_insurance'
] %}
{% set optional = ['agency_fee', 'packaging', 'tax'] %}
{% set given_back = ['platform_fee', 'creator_commission', 'agency_fee'] %}
with

cells as (
    select * from {{ ref('int_profit_cells') }}
),

known as (
    select * from {{ ref('int_gmv_known') }}
    where grain = 'day'
),

refunders as (
    select * from {{ ref('int_platforms_refunding') }}
),

rates as (
    select * from {{ ref('int_cost_rates') }}
),

-- what is known, and the share of sales that shop.yml tells for what no feed does
based as (
    select
        cells.business_date,
        cells.platform,
        cells.shop_id,
        cells.category,
        case when known.is_sales_known then cells.gmv_amount end as gmv_amount,
        cells.borne_amount,
        case when refunders.platform is not null then cells.refunds_amount end as refunded_amount,
        cells.goods_cost_amount,
        {% for kind in required + optional + ['advertising'] %}
            cells.{{ kind }}_amount as told_{{ kind }}_amount,
            coalesce(own.{{ kind }}_rate, general.{{ kind }}_rate) as {{ kind }}_rate,
        {% endfor %}
        coalesce(cells.estimated_goods_cost_amount, 0) as estimated_goods_cost_amount
    from cells
    left join known
        on cells.business_date = known.period_start and cells.platform = known.platform
    left join refunders on cells.platform = refunders.platform
    left join rates as own
        on cells.platform = own.platform and cells.category = own.category
    left join rates as general on cells.platform = general.platform and general.category = '(all)'
),

costed as (
    select
        *,
        {% for kind in required + optional + ['advertising'] %}
            case
                when told_{{ kind }}_amount is null
                    then cast(
                        {{ round_to_cents(
                            kind ~ '_rate * (gmv_amount'
                            ~ (' - refunded_amount)' if kind in given_back else ')')
                        ) }} as decimal(18, 2)
                    )
            end as estimated_{{ kind }}_amount,
        {% endfor %}
        gmv_amount + borne_amount as receivable_amount,
        gmv_amount + borne_amount - refunded_amount - goods_cost_amount as cm1_amount
    from based
),

summed as (
    select
        *,
        {% for kind in required + optional + ['advertising'] %}
            coalesce(told_{{ kind }}_amount, estimated_{{ kind }}_amount) as {{ kind }}_amount,
        {% endfor %}
        estimated_goods_cost_amount
        {% for kind in required + optional + ['advertising'] %}
            + coalesce(estimated_{{ kind }}_amount, 0)
        {% endfor %} as estimated_amount,
        -- a share of nothing is no estimate
        estimated_goods_cost_amount != 0
        {% for kind in required + optional + ['advertising'] %}
            or coalesce(estimated_{{ kind }}_amount, 0) != 0
        {% endfor %} as is_estimated
    from costed
),

margins as (
    select
        *,
        cm1_amount
        {% for kind in required %}
            - {{ kind }}_amount
        {% endfor %}
        - coalesce(agency_fee_amount, 0) - coalesce(packaging_amount, 0) as cm2_amount
    from summed
),

final as (
    select
        business_date,
        platform,
        shop_id,
        category,
        cast(gmv_amount as decimal(18, 2)) as gmv,
        cast(receivable_amount as decimal(18, 2)) as merchant_receivable_amount,
        cast(refunded_amount as decimal(18, 2)) as refunded_amount,
        cast(goods_cost_amount as decimal(18, 2)) as goods_cost_amount,
        cast(cm1_amount as decimal(18, 2)) as cm1_amount,
        {% for kind in required + optional %}
            cast({{ kind }}_amount as decimal(18, 2)) as {{ kind }}_amount,
        {% endfor %}
        cast(cm2_amount as decimal(18, 2)) as cm2_amount,
        cast(advertising_amount as decimal(18, 2)) as advertising_amount,
        cast(cm2_amount - advertising_amount as decimal(18, 2)) as cm3_amount,
        cast(estimated_amount as decimal(18, 2)) as estimated_amount,
        is_estimated
    from margins
)

select * from final
