with days as (
    select * from {{ ref('int_calendar_days') }}
),

cells as (
    select * from {{ ref('int_gmv_cells') }}
),

measured as (
    select
        business_date,
        dimension,
        segment,
        {{ each_of(gmv_counts() + gmv_amounts(), '@') }}
    from cells
    union all
    -- every calendar day has a company row, with zeros where nothing happened
    select
        business_date,
        'all' as dimension,
        'all' as segment,
        {{ each_of(gmv_counts() + gmv_amounts(), '0 as @') }}
    from days
),

summed as (
    select
        business_date,
        dimension,
        segment,
        {{ each_of(gmv_counts(), 'cast(sum(@) as bigint) as @') }},
        {{ each_of(gmv_amounts(), 'cast(sum(@) as decimal(18, 2)) as @') }}
    from measured
    group by business_date, dimension, segment
),

final as (
    select
        business_date,
        dimension,
        segment,
        visitors,
        tracked_buyers,
        untracked_buyers,
        buyers,
        identified_orders,
        anonymous_orders,
        orders,
        units,
        gmv,
        net_sales,
        net_sales_by_order_date,
        {{ ratio('tracked_buyers', 'visitors') }} as conversion_rate,
        {{ ratio('identified_orders', 'buyers') }} as orders_per_buyer,
        {{ ratio('gmv', 'orders') }} as aov,
        {{ ratio('gmv', 'buyers') }} as gmv_per_buyer,
        new_buyers
    from summed
)

select * from final
