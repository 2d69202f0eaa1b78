{{ replace(
    rows='day', day='business_date', order_by=['business_date'],
    affected={'int_sessions_built': [0, 0]}
) }}

with

sessions as (
    select
        *,
        row_number() over (
            partition by business_date, platform, visitor_key
            order by started_at, session_id
        ) as session_of_day
    from {{ ref('int_sessions_built') }}
    where {{ only_affected_days('business_date') }}
),

final as (
    select
        business_date,
        platform,
        coalesce(campaign, '(none)') as campaign,
        channel,
        cast(count(*) as bigint) as session_count,
        cast(count(case when session_of_day = 1 and visitor_key is not null then 1 end) as bigint)
            as visitors
    from sessions
    group by business_date, platform, campaign, channel
)

select * from final
