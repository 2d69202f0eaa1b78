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
        order_key,
        _row_key as booking_key,
        cost_type as kind,
        booked_date,
        currency,
        amount
    from costs
    {% for kind in ['due', 'settled'] %}
        union all
        select
            source,
            order_id,
            order_key,
            _row_key as booking_key,
            '{{ kind }}' as kind,
            settled_date as booked_date,
            currency,
            {{ kind }}_amount as amount
        from settlements
    {% endfor %}
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

rated as (
    select
        matched.main_order_key,
        matched.booking_key,
        matched.kind,
        rates.rate
    from matched
    inner join rates on {{ is_a_rate_of('matched', 'rated_date') }}
    qualify {{ is_the_latest_rate(
        ['matched.main_order_key', 'matched.booking_key', 'matched.kind']
    ) }}
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
        {{ at_the_days_rate('matched') }} as amount
    from matched
    left join rated
        on
            matched.main_order_key = rated.main_order_key
            and matched.booking_key = rated.booking_key
            and matched.kind = rated.kind
)

select * from final
