with

phases as (
    select * from {{ ref('dim_promo') }}
    where kind = 'sale'
),

hours as (
    select * from {{ ref('fct_gmv_hourly') }}
),

spans as (
    select
        platform,
        min(hour_start) as first_hour,
        max(hour_start) as last_hour,
        count(orders) > 0 as has_sales
    from hours
    group by platform
),

-- each with the same phase of the promotion before
begun as (
    select
        phases.promo,
        phases.promo_year,
        phases.platform,
        phases.phase,
        phases.starts_at,
        phases.ends_at,
        spans.last_hour,
        spans.has_sales,
        phases.starts_at >= spans.first_hour as is_known,
        lag(phases.promo_year) over same_phase as previous_promo_year,
        lag(phases.starts_at >= spans.first_hour) over same_phase as is_previous_known
    from phases
    inner join spans
        on phases.platform = spans.platform and phases.starts_at <= spans.last_hour
    window
        same_phase as (
            partition by phases.promo, phases.platform, phases.phase order by phases.promo_year
        )
),

sold as (
    select
        begun.promo,
        begun.promo_year,
        begun.platform,
        begun.phase,
        cast(floor({{ seconds_between('begun.starts_at', 'hours.hour_start') }} / 3600) as integer)
            as hours_since_start,
        sum(hours.visitors) as visitors,
        sum(hours.orders) as orders,
        sum(hours.gmv) as gmv
    from begun
    inner join hours
        on
            begun.platform = hours.platform
            and begun.starts_at <= hours.hour_start
            and begun.ends_at > hours.hour_start
    where begun.is_known
    group by
        begun.promo, begun.promo_year, begun.platform, begun.phase,
        floor({{ seconds_between('begun.starts_at', 'hours.hour_start') }} / 3600)
),

-- nothing on one side is 0 where sales are told at all
sides as (
    select
        sold.*,
        case when begun.has_sales then 0 end as previous_orders,
        case when begun.has_sales then 0 end as previous_gmv
    from sold
    inner join begun
        on
            sold.promo = begun.promo
            and sold.promo_year = begun.promo_year
            and sold.platform = begun.platform
            and sold.phase = begun.phase
    union all
    select
        begun.promo,
        begun.promo_year,
        begun.platform,
        begun.phase,
        sold.hours_since_start,
        null as visitors,
        case when begun.has_sales then 0 end as orders,
        case when begun.has_sales then 0 end as gmv,
        sold.orders as previous_orders,
        sold.gmv as previous_gmv
    from begun
    inner join sold
        on
            begun.promo = sold.promo
            and begun.previous_promo_year = sold.promo_year
            and begun.platform = sold.platform
            and begun.phase = sold.phase
    where begun.is_known
),

summed as (
    select
        promo,
        promo_year,
        platform,
        phase,
        hours_since_start,
        sum(visitors) as visitors,
        sum(orders) as orders,
        sum(gmv) as gmv,
        sum(previous_orders) as previous_orders,
        sum(previous_gmv) as previous_gmv
    from sides
    group by promo, promo_year, platform, phase, hours_since_start
),

added as (
    select
        summed.*,
        begun.previous_promo_year,
        begun.is_previous_known,
        {% for name in ['orders', 'gmv', 'previous_orders', 'previous_gmv'] %}
            sum(summed.{{ name }}) over so_far as cumulative_{{ name }},
        {% endfor %}
        {{ plus_seconds('begun.starts_at', '3600 * summed.hours_since_start') }} as hour_start,
        {{ plus_seconds('begun.starts_at', '3600 * summed.hours_since_start') }} <= begun.last_hour
        and {{ plus_seconds('begun.starts_at', '3600 * summed.hours_since_start') }} < begun.ends_at
            as has_come
    from summed
    inner join begun
        on
            summed.promo = begun.promo
            and summed.promo_year = begun.promo_year
            and summed.platform = begun.platform
            and summed.phase = begun.phase
    window
        so_far as (
            partition by summed.promo, summed.promo_year, summed.platform, summed.phase
            order by summed.hours_since_start
        )
),

final as (
    select
        promo,
        promo_year,
        platform,
        phase,
        hours_since_start,
        hour_start,
        cast(case when has_come then visitors end as bigint) as visitors,
        cast(case when has_come then orders end as bigint) as orders,
        cast(case when has_come then gmv end as decimal(18, 2)) as gmv,
        cast(case when has_come then cumulative_orders end as bigint) as cumulative_orders,
        cast(case when has_come then cumulative_gmv end as decimal(18, 2)) as cumulative_gmv,
        previous_promo_year,
        cast(case when is_previous_known then previous_orders end as bigint) as previous_orders,
        cast(case when is_previous_known then previous_gmv end as decimal(18, 2)) as previous_gmv,
        cast(case when is_previous_known then cumulative_previous_orders end as bigint)
            as previous_cumulative_orders,
        cast(case when is_previous_known then cumulative_previous_gmv end as decimal(18, 2))
            as previous_cumulative_gmv
    from added
)

select * from final
