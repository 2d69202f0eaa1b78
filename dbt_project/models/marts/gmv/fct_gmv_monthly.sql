with totals as (
    select * from {{ ref('int_gmv_totals') }}
    where grain = 'month'
),

final as (
    select
        period_start,
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
        conversion_rate,
        orders_per_buyer,
        aov,
        gmv_per_buyer,
        new_buyers,
        repeat_buyers,
        repeat_purchase_rate,
        is_complete,
        visitors_day_count
    from totals
)

select * from final
