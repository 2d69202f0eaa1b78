{{ replace(
    rows='day', suffix=true, day='business_date', order_by=['business_date'],
    affected={'int_sessions_built': [0, 0], 'int_orders_attributed': [0, 0]}
) }}

-- A customer's first payment decides about the visits of all later days: hence the suffix.
with sessions as (
    select *
    from {{ ref('int_sessions_built') }}
    where {{ only_affected_days('business_date') }}
),

customers as (
    select * from {{ ref('int_gmv_customers') }}
),

first_sessions as (
    select *
    from sessions
    where visitor_key is not null
    qualify row_number() over (
        partition by business_date, platform, visitor_key
        order by started_at, session_id
    ) = 1
),

visitors as (
    select
        first_sessions.business_date,
        first_sessions.platform,
        first_sessions.platform as platform_segment,
        first_sessions.shop_id as shop_segment,
        coalesce(first_sessions.channel, '(untracked)') as channel_segment,
        coalesce(first_sessions.device, '(untracked)') as device_segment,
        coalesce(first_sessions.region, '(untracked)') as region_segment,
        {{ customer_type(
            'first_sessions.customer_key', 'customers.first_paid_date',
            'first_sessions.business_date'
        ) }} as customer_type_segment
    from first_sessions
    left join customers on first_sessions.customer_key = customers.customer_key
),

final as (
    select
        business_date,
        platform,
        {{ dimension_name() }} as dimension,
        {{ segment_name() }} as segment,
        count(*) as visitors
    from visitors
    {{ group_by_segments(['business_date', 'platform']) }}
)

select * from final
