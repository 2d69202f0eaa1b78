{# hours of the reporting zone, which need not begin with those of UTC, nor be 24 a day #}
{% set hour_of = {} %}
{% for instant in ['paid_at', 'started_at'] %}
    {% do hour_of.update({instant: plus_seconds(
        "cast(date_trunc('minute', " ~ instant ~ ") as timestamp)",
        "-60 * extract(minute from " ~ utc_to_reporting(instant) ~ ")"
    )}) %}
{% endfor %}
{{ replace(
    rows='day', day='business_date', order_by=['business_date'],
    affected={'int_orders_attributed': [0, 0], 'int_sessions_built': [0, 0]}
) }}

with

orders as (
    select
        {{ hour_of['paid_at'] }} as hour_start,
        business_date,
        platform,
        channel,
        paid_amount
    from {{ ref('int_orders_attributed') }}
    where is_paid and {{ only_affected_days('business_date') }}
),

sessions as (
    select
        {{ hour_of['started_at'] }} as hour_start,
        session_id,
        visitor_key,
        started_at,
        business_date,
        platform,
        channel
    from {{ ref('int_sessions_built') }}
    where visitor_key is not null and {{ only_affected_days('business_date') }}
),

-- once an hour, in the channel that came first
visitors as (
    select
        hour_start,
        business_date,
        platform,
        min_by(channel, {{ struct(['started_at', 'session_id']) }}) as channel
    from sessions
    group by hour_start, business_date, platform, visitor_key
),

entries as (
    select
        hour_start,
        business_date,
        platform,
        channel,
        1 as visitors,
        0 as orders,
        0 as gmv
    from visitors
    union all
    select
        hour_start,
        business_date,
        platform,
        channel,
        0 as visitors,
        1 as orders,
        paid_amount as gmv
    from orders
),

final as (
    select
        hour_start,
        business_date,
        platform,
        channel,
        cast(sum(visitors) as bigint) as visitors,
        cast(sum(orders) as bigint) as orders,
        cast(sum(gmv) as decimal(18, 2)) as gmv
    from entries
    group by hour_start, business_date, platform, channel
)

select * from final
