{{ replace(
    rows='key', key='main_order_key', touch='main_order_key', order_by=['booked_date'],
    affected={
        'stg_raw__orders': 'key',
        'stg_raw__order_costs': [[['stg_raw__orders', 'order_key', 'main_order_key']], 'key'],
        'stg_raw__settlements': [[['stg_raw__orders', 'order_key', 'main_order_key']], 'key'],
        'stg_raw__fx_rates': [['stg_raw__orders', 'currency', 'main_order_key']]
    }
) }}

with

orders as (
    select *
    from {{ ref('stg_raw__orders') }}
    where {{ only_touched_keys('main_order_key') }}
),

-- a booking may name a main order that only its children tell of
named as (
    select
        order_key,
        main_order_key,
        currency,
        exchange_rate,
        order_date
    from orders
    union all
    select
        main_order_key as order_key,
        main_order_key,
        min(currency) as currency,
        min(exchange_rate) as exchange_rate,
        min(order_date) as order_date
    from orders
    group by main_order_key
    having max(case when order_key = main_order_key then 1 else 0 end) = 0
),

costs as (
    select * from {{ ref('stg_raw__order_costs') }}
    where order_key in (select named.order_key from named)
),

settlements as (
    select * from {{ ref('stg_raw__settlements') }}
    where order_key in (select named.order_key from named)
),

rates as (
    select * from {{ ref('stg_raw__fx_rates') }}
),

booked as (
    select
        source,
        order_id,
        _row_key as booking_key,
        order_key,
        cost_type as kind,
        booked_date,
        currency,
        amount
    from costs
    union all
    select
        source,
        order_id,
        _row_key as booking_key,
        order_key,
        'due' as kind,
        settled_date as booked_date,
        currency,
        due_amount as amount
    from settlements
    union all
    select
        source,
        order_id,
        _row_key as booking_key,
        order_key,
        'settled' as kind,
        settled_date as booked_date,
        currency,
        settled_amount as amount
    from settlements
),

matched as (
    select
        booked.source,
        booked.order_id,
        booked.booking_key,
        named.main_order_key,
        booked.kind,
        booked.booked_date,
        coalesce(booked.booked_date, named.order_date) as rated_date,
        booked.amount as delivered_amount,
        named.exchange_rate,
        case
            when booked.currency is null and named.currency != '{{ var("reporting_currency") }}'
                then named.currency
        end as foreign_currency
    from booked
    inner join named on booked.order_key = named.order_key
),

-- as of refunds: the rate of the day, else the latest of the seven days before
rated as (
    select
        matched.main_order_key,
        matched.booking_key,
        matched.kind,
        rates.rate
    from matched
    inner join rates
        on
            matched.foreign_currency = rates.currency
            and rates.rate_date between matched.rated_date - 7 and matched.rated_date
    qualify
        row_number() over (
            partition by matched.main_order_key, matched.booking_key, matched.kind
            order by rates.rate_date desc, rates._version_at desc, rates._batch_id desc
        ) = 1
),

final as (
    select
        matched.source,
        matched.order_id,
        matched.main_order_key,
        matched.booking_key,
        matched.kind,
        matched.booked_date,
        matched.delivered_amount,
        cast(
            case
                when matched.foreign_currency is null then matched.delivered_amount
                else round(
                    matched.delivered_amount * coalesce(rated.rate, matched.exchange_rate), 2
                )
            end as decimal(18, 2)
        ) as amount
    from matched
    left join rated
        on
            matched.main_order_key = rated.main_order_key
            and matched.booking_key = rated.booking_key
            and matched.kind = rated.kind
)

select * from final
