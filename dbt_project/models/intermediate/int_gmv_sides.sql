with comparisons as (
    select * from {{ ref('int_gmv_comparisons') }}
),

cells as (
    select * from {{ ref('int_gmv_cells') }}
),

compared as (
    select distinct business_date, comparison, platform, base_days
    from comparisons
),

sides as (
    select
        compared.business_date,
        compared.comparison,
        cells.platform,
        cells.dimension,
        cells.segment
        {%- for measure in lmdi_measures() %},
        cells.{{ measure }},
        0 as base_{{ measure }}
        {%- endfor %}
    from compared
    inner join cells
        on compared.business_date = cells.business_date and compared.platform = cells.platform
    union all
    select
        comparisons.business_date,
        comparisons.comparison,
        cells.platform,
        cells.dimension,
        cells.segment
        {%- for measure in lmdi_measures() %},
        0,
        cells.{{ measure }}
        {%- endfor %}
    from comparisons
    inner join cells
        on comparisons.base_date = cells.business_date and comparisons.platform = cells.platform
),

paired as (
    select
        business_date,
        comparison,
        platform,
        dimension,
        segment
        {%- for measure in lmdi_measures() %},
        sum({{ measure }}) as {{ measure }},
        sum(base_{{ measure }}) as base_{{ measure }}
        {%- endfor %}
    from sides
    group by business_date, comparison, platform, dimension, segment
),

traffic as (
    select
        business_date,
        comparison,
        platform,
        (visitors > 0) != (base_visitors > 0) as has_changed_tracking
    from paired
    where dimension = 'all'
),

final as (
    select
        paired.business_date,
        paired.comparison,
        paired.platform,
        paired.dimension,
        paired.segment,
        traffic.has_changed_tracking
        {%- for side in ['', 'base_'] %},
        case when has_changed_tracking then 0 else paired.{{ side }}visitors end
            as {{ side }}visitors,
        case when has_changed_tracking then 0 else paired.{{ side }}tracked_buyers end
            as {{ side }}tracked_buyers,
        case
            when has_changed_tracking then paired.{{ side }}buyers
            else paired.{{ side }}untracked_buyers
        end as {{ side }}untracked_buyers,
        paired.{{ side }}buyers,
        paired.{{ side }}identified_orders,
        paired.{{ side }}anonymous_orders,
        paired.{{ side }}orders,
        paired.{{ side }}gmv
        {%- endfor %}
    from paired
    inner join traffic using (business_date, comparison, platform)
)

select * from final
