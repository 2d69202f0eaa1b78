{% set own = [
    'visitors', 'buyers', 'orders', 'units', 'gmv', 'net_sales', 'conversion_rate',
    'orders_per_buyer', 'aov', 'gmv_per_buyer', 'new_buyers', 'repeat_purchase_rate'
] %}
with benchmarks as (
    select * from {{ ref('stg_raw__benchmarks') }}
),

months as (
    select * from {{ ref('fct_gmv_monthly') }}
),

figures as (
    {% for metric in own %}
        select
            period_start,
            dimension,
            segment,
            is_complete,
            '{{ metric }}' as metric,
            cast({{ metric }} as double) as own_value
        from months
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- an index of others is met by our figure as an index of the same base
beside as (
    select
        benchmarks.*,
        figures.is_complete as is_own_complete,
        case
            when benchmarks.unit = 'index'
                then 100 * {{ ratio('figures.own_value', 'bases.own_value') }}
            else figures.own_value
        end as own_value
    from benchmarks
    left join figures
        on
            benchmarks.period_start = figures.period_start
            and benchmarks.metric = figures.metric
            and benchmarks.dimension = figures.dimension
            and benchmarks.segment = figures.segment
    left join figures as bases
        on
            benchmarks.base_start = bases.period_start
            and benchmarks.metric = bases.metric
            and benchmarks.dimension = bases.dimension
            and benchmarks.segment = bases.segment
),

final as (
    select
        source,
        period_start,
        metric,
        dimension,
        segment,
        origin,
        unit,
        value as benchmark_value,
        own_value,
        is_own_complete,
        {{ ratio('own_value', 'value') }} as own_to_benchmark_ratio
    from beside
)

select * from final
