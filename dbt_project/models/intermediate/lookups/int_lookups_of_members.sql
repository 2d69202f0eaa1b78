{{ config(materialized='view') }}

with

redemptions as (
    select * from {{ ref('stg_raw__coupon_redemptions') }}
),

members as (
    select * from {{ ref('stg_raw__campaign_members') }}
),

staged as (
    select * from {{ ref('stg_raw__orders') }}
),

listed as (
    select * from {{ ref('stg_raw__customers') }}
),

known as (
    select customer_key from staged
    where customer_key is not null
    union
    select customer_key from listed
    union
    select other_key as customer_key from listed
    where other_key is not null
),

final as (
    select
        'coupon_redemptions' as feed,
        'order' as looks_for,
        source,
        redeemed_date as day,
        order_id as example_id,
        null as amount,
        order_key in (select staged.order_key from staged) as is_found,
        1 as row_count
    from redemptions
    where order_id is not null
    union all
    select
        'coupon_redemptions' as feed,
        'customer' as looks_for,
        source,
        redeemed_date as day,
        coupon_id as example_id,
        null as amount,
        customer_key in (select known.customer_key from known) as is_found,
        1 as row_count
    from redemptions
    union all
    select
        'campaign_members' as feed,
        'customer' as looks_for,
        source,
        member_from as day,
        campaign_id as example_id,
        null as amount,
        customer_key in (select known.customer_key from known) as is_found,
        1 as row_count
    from members
)

select * from final
