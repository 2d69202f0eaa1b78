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
        {% for measure in gmv_counts() + gmv_amounts() -%}
            {{ measure }}{{ ',' if not loop.last }}
        {% endfor %}
    from cells
    union all
    -- every calendar day has a company row, with zeros where nothing happened
    select
        business_date,
        'all',
        'all'
        {%- for measure in gmv_counts() + gmv_amounts() %}, 0{% endfor %}
    from days
),

summed as (
    select
        business_date,
        dimension,
        segment,
        {% for measure in gmv_counts() -%}
            cast(sum({{ measure }}) as bigint) as {{ measure }},
        {% endfor %}
        {% for measure in gmv_amounts() -%}
            cast(sum({{ measure }}) as decimal(18, 2)) as {{ measure }}{{ ',' if not loop.last }}
        {% endfor %}
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
