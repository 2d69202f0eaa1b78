with

refunds as (
    select * from {{ ref('stg_raw__refunds') }}
    where is_succeeded
),

orders as (
    select * from {{ ref('stg_raw__orders') }}
),

rates as (
    select * from {{ ref('stg_raw__fx_rates') }}
),

matched as (
    select
        refunds.source,
        refunds.refund_id,
        refunds.order_key,
        orders.main_order_key,
        orders.status as order_status,
        refunds.product_id,
        refunds.refund_date,
        refunds.kind,
        refunds.amount,
        coalesce(refunds.currency, orders.currency) as currency,
        coalesce(refunds.original_amount, refunds.amount) as original_amount,
        orders.exchange_rate,
        case
            when
                refunds.currency is null
                and orders.currency != '{{ var("reporting_currency") }}'
                then orders.currency
        end as foreign_currency
    from refunds
    inner join orders on refunds.order_key = orders.order_key
),

-- the rate of the day of the refund, else the latest of the seven days before
rated as (
    select
        matched.source,
        matched.refund_id,
        rates.rate
    from matched
    inner join rates
        on
            matched.foreign_currency = rates.currency
            and rates.rate_date between matched.refund_date - 7 and matched.refund_date
    qualify
        row_number() over (
            partition by matched.source, matched.refund_id
            order by rates.rate_date desc, rates._version_at desc, rates._batch_id desc
        ) = 1
),

converted as (
    select
        matched.source,
        matched.refund_id,
        matched.order_key,
        matched.main_order_key,
        matched.order_status,
        matched.product_id,
        matched.refund_date,
        matched.kind,
        matched.currency,
        matched.foreign_currency,
        matched.original_amount,
        cast(
            case
                when matched.foreign_currency is null then matched.amount
                else round(
                    matched.amount * coalesce(rated.rate, matched.exchange_rate), 2
                )
            end as decimal(18, 2)
        ) as amount
    from matched
    left join rated
        on matched.source = rated.source and matched.refund_id = rated.refund_id
),

-- one that no rate converts is counted in orphans_daily
final as (
    select * from converted
    where amount is not null
)

select * from final
