{{ config(materialized='view') }}

with

events as (
    select * from {{ ref('int_events_summed') }}
),

purchases as (
    select * from {{ ref('int_purchases_tracked') }}
),

orders as (
    select distinct
        platform,
        shop_id,
        order_id
    from {{ ref('int_orders_rolled_up') }}
),

-- what is bought after the last order that was delivered has none to find yet
sold as (
    select
        platform,
        max(order_date) as last_date
    from {{ ref('int_orders_rolled_up') }}
    group by platform
),

spend as (
    select * from {{ ref('stg_raw__campaign_spend') }}
),

campaigns as (
    select * from {{ ref('int_campaigns_mapped') }}
),

final as (
    select
        'events' as feed,
        'order' as looks_for,
        purchases.source,
        purchases.event_date as day,
        purchases.order_id as example_id,
        null as amount,
        orders.order_id is not null as is_found,
        1 as row_count
    from purchases
    inner join sold on purchases.platform = sold.platform and purchases.event_date <= sold.last_date
    left join orders
        on
            purchases.platform = orders.platform
            and purchases.shop_id = orders.shop_id
            and purchases.order_id = orders.order_id
    union all
    select
        'events' as feed,
        'visitor' as looks_for,
        source,
        event_date as day,
        case when not has_visitor then min(first_event_id) end as example_id,
        null as amount,
        has_visitor as is_found,
        cast(sum(event_count) as bigint) as row_count
    from events
    group by source, event_date, has_visitor
    union all
    -- the channel of a campaign that no visit names and no rule knows is only a rest
    select
        'campaign_spend' as feed,
        'channel' as looks_for,
        spend.source,
        spend.spend_date as day,
        spend.campaign as example_id,
        spend.cost as amount,
        coalesce(
            campaigns.channel_reason in ('account and visits', 'visits')
            or campaigns.channel != 'other',
            false
        ) as is_found,
        1 as row_count
    from spend
    left join campaigns on spend.campaign_key = campaigns.campaign_key
)

select * from final
