{{ replace(
    rows='day', suffix=['int_orders_rolled_up'], day='period_end', order_by=['period_end'],
    affected={
        'int_sessions_built': [0, 30],
        'int_sessions_recognised': [0, 30],
        'int_orders_rolled_up': [0, 0]
    }
) }}

-- A customer's first payment decides about all later visits: every period that ends on or after
-- the first affected day is counted again, from all of its days, 31 at most.
with sessions as (
    select * from {{ ref('int_sessions_identified') }}
    where visitor_key is not null and {{ only_affected_days('business_date', before=31) }}
),

periods as (
    select * from {{ ref('int_calendar_periods') }}
    where {{ only_affected_days('period_end') }}
),

customers as (
    select * from {{ ref('int_gmv_customers') }}
),

first_sessions as (
    select
        sessions.*,
        periods.grain,
        periods.period_start,
        periods.period_end
    from sessions
    inner join periods on sessions.business_date = periods.business_date
    qualify row_number() over (
        partition by
            periods.grain, periods.period_start, sessions.platform, sessions.visitor_key
        order by sessions.started_at, sessions.session_id
    ) = 1
),

visitors as (
    select
        first_sessions.grain,
        first_sessions.period_start,
        first_sessions.period_end,
        first_sessions.platform,
        first_sessions.shop_id as shop_segment,
        coalesce(first_sessions.channel, '(untracked)') as channel_segment,
        coalesce(first_sessions.device, '(untracked)') as device_segment,
        coalesce(first_sessions.region, '(untracked)') as region_segment,
        case
            when first_sessions.customer_key is null then '(unidentified)'
            when customers.first_paid_date < first_sessions.period_start then 'returning'
            else 'new'
        end as customer_type_segment
    from first_sessions
    left join customers on first_sessions.customer_key = customers.customer_key
),

final as (
    select
        grain,
        period_start,
        period_end,
        platform,
        shop_segment,
        channel_segment,
        device_segment,
        region_segment,
        customer_type_segment,
        count(*) as visitors
    from visitors
    group by
        grain, period_start, period_end, platform, shop_segment, channel_segment,
        device_segment, region_segment, customer_type_segment
)

select * from final
