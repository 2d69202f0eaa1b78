{# By visitor and not by day: who is recognised as a customer changes visits of all days before. #}
{% set visitor = join_key(['platform', 'visitor_key']) %}
{{ replace(
    rows='key', key=visitor, last_part='visitor_key', day='period_end', order_by=['period_end'],
    affected={
        'int_sessions_built': 'key',
        'int_sessions_recognised': 'key',
        'int_gmv_customers': [['int_sessions_recognised', 'customer_key', visitor]]
    }
) }}

with

recognised as (
    select * from {{ ref('int_sessions_recognised') }}
    where {{ only_touched_keys(visitor) }}
),

known as (
    select distinct
        platform,
        visitor_key
    from recognised
),

sessions as (
    select sessions.*
    from {{ ref('int_sessions_built') }} as sessions
    inner join known
        on sessions.platform = known.platform and sessions.visitor_key = known.visitor_key
),

periods as (
    select * from {{ ref('int_calendar_periods') }}
),

customers as (
    select * from {{ ref('int_gmv_customers') }}
),

first_sessions as (
    {{ first_sessions('sessions', 'periods') }}
),

final as (
    select
        first_sessions.grain,
        first_sessions.period_start,
        first_sessions.period_end,
        first_sessions.platform,
        first_sessions.visitor_key,
        first_sessions.shop_id as shop_segment,
        first_sessions.channel as channel_segment,
        first_sessions.device as device_segment,
        first_sessions.region as region_segment,
        case
            when customers.first_paid_date < first_sessions.period_start then 'returning'
            else 'new'
        end as customer_type_segment
    from recognised
    inner join first_sessions on recognised.session_id = first_sessions.session_id
    left join customers on recognised.customer_key = customers.customer_key
)

select * from final
