{{ replace(rows='whole', day='business_date', order_by=['business_date']) }}

with

orders as (
    select * from {{ ref('int_orders_attributed') }}
),

refunds as (
    select * from {{ ref('stg_raw__refunds') }}
    where is_succeeded
),

sessions as (
    select * from {{ ref('int_sessions_built') }}
),

traffic as (
    select * from {{ ref('stg_raw__traffic_daily') }}
),

spend as (
    select * from {{ ref('stg_raw__campaign_spend') }}
),

spans as (
    select
        least(min(order_date), min(business_date)) as first_date,
        greatest(max(order_date), max(business_date)) as last_date
    from orders
    union all
    select
        min(refund_date) as first_date,
        max(refund_date) as last_date
    from refunds
    union all
    select
        min(business_date) as first_date,
        max(business_date) as last_date
    from sessions
    union all
    select
        min(traffic_date) as first_date,
        max(traffic_date) as last_date
    from traffic
    union all
    select
        min(spend_date) as first_date,
        max(spend_date) as last_date
    from spend
),

span as (
    select
        min(first_date) as first_date,
        max(last_date) as last_date
    from spans
),

final as (
    select {{ each_day('first_date', 'last_date') }} as business_date
    from span
    where first_date is not null
)

select * from final
