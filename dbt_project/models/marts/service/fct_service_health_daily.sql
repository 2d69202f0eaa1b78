with

hours as (
    select
        *,
        {{ local_date('hour_start') }} as business_date
    from {{ ref('stg_raw__service_health') }}
),

compared as (
    select
        *,
        max(value) over (partition by business_date, source, metric) as day_highest
    from hours
),

final as (
    select
        business_date,
        source,
        metric,
        count(*) as hours,
        cast(sum(cast(value as decimal(38, 8))) as double) as value_total,
        {{ ratio('sum(cast(value as decimal(38, 8)))', 'count(*)') }} as mean_value,
        {{ percentile('value', 0.5) }} as median_value,
        max(value) as highest_value,
        min(case when value = day_highest then hour_start end) as highest_at
    from compared
    group by business_date, source, metric
)

select * from final
