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

-- Whose an order is: its customer's, and the visitor's whose session led to it.
owners as (
    select
        main_order_key,
        'purchase' as kind,
        customer_key as member_key
    from orders
    union all
    select
        main_order_key,
        'visit' as kind,
        visitor_key as member_key
    from links
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
    inner join owners on orders.main_order_key = owners.main_order_key
    inner join members
        on
            owners.kind = members.kind
            and owners.member_key = members.member_key
            and (members.kind = 'purchase' or orders.platform = members.platform)
)

select * from final
