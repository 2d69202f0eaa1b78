{{ replace(
    rows='day', day='period_end', order_by=['period_end'],
    affected={'int_sessions_built': [0, 30]}
) }}

-- Every period that ends on or after the first affected day is counted again, from all of its
-- days, 31 at most.
with

sessions as (
    select * from {{ ref('int_sessions_built') }}
    where visitor_key is not null and {{ only_affected_days('business_date', before=31) }}
),

periods as (
    select * from {{ ref('int_calendar_periods') }}
    where {{ only_affected_days('period_end') }}
),

first_sessions as (
    {{ first_sessions('sessions', 'periods') }}
),

final as (
    select
        grain,
        period_start,
        period_end,
        platform,
        shop_id as shop_segment,
        channel as channel_segment,
        device as device_segment,
        region as region_segment,
        count(*) as visitors
    from first_sessions
    group by
        grain, period_start, period_end, platform, shop_id, channel, device, region
)

select * from final
