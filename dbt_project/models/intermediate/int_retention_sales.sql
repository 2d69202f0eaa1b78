with

members as (
    select * from {{ ref('int_retention_members') }}
),

orders as (
    select * from {{ ref('int_order_margins') }}
),

links as (
    select * from {{ ref('int_orders_linked') }}
),

final as (
    select
        members.kind,
        members.platform,
        members.channel,
        members.cohort_date,
        orders.business_date,
        orders.net_amount,
        orders.margin_amount
    from orders
    inner join members on orders.customer_key = members.member_key
    where members.kind = 'purchase'
    union all
    -- by the visitor whose session led to the order
    select
        members.kind,
        members.platform,
        members.channel,
        members.cohort_date,
        orders.business_date,
        orders.net_amount,
        orders.margin_amount
    from orders
    inner join links on orders.main_order_key = links.main_order_key
    inner join members
        on links.visitor_key = members.member_key and orders.platform = members.platform
    where members.kind = 'visit'
)

select * from final
