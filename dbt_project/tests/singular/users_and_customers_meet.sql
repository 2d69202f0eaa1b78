-- Events and orders of one platform know the same people: where both know many, some are in both.
-- And of the users who bought hardly any bought as much for one customer as for another.
{{ config(severity='warn') }}

with

users as (
    select distinct
        platform,
        customer_key
    from {{ ref('fct_sessions') }}
    where customer_key is not null
),

customers as (
    select distinct
        platform,
        customer_key
    from {{ ref('fct_orders') }}
    where customer_key is not null
),

sides as (
    select
        coalesce(users.platform, customers.platform) as platform,
        count(users.customer_key) as users,
        count(customers.customer_key) as customers,
        count(case when users.customer_key = customers.customer_key then 1 end) as in_both
    from users
    full join customers
        on users.platform = customers.platform and users.customer_key = customers.customer_key
    group by coalesce(users.platform, customers.platform)
),

links as (
    select
        platform,
        count(*) as users,
        count(*) - count(customer_key) as unlinked
    from {{ ref('int_customer_links') }}
    group by platform
),

final as (
    select
        platform,
        'users of sessions who occur in orders' as told,
        in_both as count,
        least(users, customers) as of_count
    from sides
    where least(users, customers) >= 50 and in_both < 0.02 * least(users, customers)
    union all
    select
        platform,
        'users who bought as much for several customers' as told,
        unlinked as count,
        users as of_count
    from links
    where unlinked >= 5 and unlinked > 0.1 * users
)

select * from final
