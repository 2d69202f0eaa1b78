with measured as (
    select distinct
        business_date,
        platform
    from {{ ref('int_channels_measured') }}
),

spend as (
    select * from {{ ref('stg_raw__campaign_spend') }}
),

sessions as (
    select * from {{ ref('int_sessions_built') }}
),

orders as (
    select * from {{ ref('stg_raw__orders') }}
),

expectations as (
    select * from {{ ref('int_completeness_expectations') }}
),

told as (
    select
        platform,
        min(spend_date) as first_date,
        max(spend_date) as last_date
    from spend
    group by platform
),

tracked as (
    select
        platform,
        min(business_date) as first_date,
        max(business_date) as last_date
    from sessions
    group by platform
),

refunders as (
    select * from {{ ref('int_platforms_refunding') }}
),

sold as (
    select
        platform,
        min(order_date) as first_date
    from orders
    group by platform
),

-- days on which nothing came where more than chance would have it should have
lost as (
    select
        platform,
        business_date,
        feed
    from expectations
    where feed in ('events', 'orders')
    group by platform, business_date, feed
    having sum(arrived_rows) = 0 and sum(expected_rows) >= 5
),

final as (
    select
        measured.business_date,
        measured.platform,
        coalesce(measured.business_date between told.first_date and told.last_date, false)
            as is_spend_known,
        coalesce(measured.business_date between tracked.first_date and tracked.last_date, false)
        and lost_events.feed is null as is_tracked,
        coalesce(measured.business_date >= sold.first_date, false)
        and lost_orders.feed is null as is_sales_known,
        refunders.platform is not null as is_refunds_known
    from measured
    left join told on measured.platform = told.platform
    left join tracked on measured.platform = tracked.platform
    left join sold on measured.platform = sold.platform
    left join refunders on measured.platform = refunders.platform
    left join lost as lost_events
        on
            measured.platform = lost_events.platform
            and measured.business_date = lost_events.business_date
            and lost_events.feed = 'events'
    left join lost as lost_orders
        on
            measured.platform = lost_orders.platform
            and measured.business_date = lost_orders.business_date
            and lost_orders.feed = 'orders'
)

select * from final
