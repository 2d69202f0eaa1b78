{{ replace(
    rows='key', key=member_id(), last_part='member_key', order_by=['business_date'],
    affected={
        'int_retention_members': 'key', 'int_sessions_built': 'key', 'int_orders_attributed': 'key'
    }
) }}

with

members as (
    select * from {{ ref('int_retention_members') }}
    where last_date > cohort_date and {{ only_touched_keys(member_id(), last_part='member_key') }}
),

sessions as (
    select * from {{ ref('int_sessions_built') }}
),

orders as (
    select * from {{ ref('int_orders_attributed') }}
    where is_paid
),

-- most come once: only who came again is looked for again
again as (
    select
        members.*,
        sessions.business_date
    from sessions
    inner join members
        on
            sessions.visitor_key = members.member_key
            and sessions.platform = members.platform
            and sessions.business_date > members.cohort_date
    where members.kind = 'visit'
    union all
    select
        members.*,
        orders.business_date
    from orders
    inner join members
        on orders.customer_key = members.member_key and orders.business_date > members.cohort_date
    where members.kind = 'purchase'
),

returned as (
    select
        kind,
        platform,
        member_key,
        min(channel) as channel,
        min(cohort_date) as cohort_date,
        business_date
    from again
    group by kind, platform, member_key, business_date
),

final as (
    select
        kind,
        platform,
        member_key,
        channel,
        cohort_date,
        business_date,
        {{ days_from(
            'lag(business_date, 1, cohort_date) over ('
            ~ 'partition by kind, platform, member_key order by business_date)', 'business_date'
        ) }} as gap_days,
        date_trunc('month', business_date) > cohort_date
        and business_date = min(business_date) over (
            partition by kind, platform, member_key, date_trunc('month', business_date)
        ) as is_first_of_month
    from returned
)

select * from final
