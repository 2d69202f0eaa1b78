with cells as (
    select * from {{ ref('int_attribution_cells') }}
),

final as (
    select
        business_date,
        platform,
        model,
        channel,
        campaign,
        cast(sum(orders) as double) as credited_orders,
        -- 38 digits and a carry are more than a decimal can have
        cast(
            cast(sum(gmv) as decimal(36, 14))
            + cast(coalesce(sum(refunds), 0) as decimal(36, 14)) as double
        ) as credited_revenue,
        cast(sum(gmv) as double) as credited_gmv,
        cast(sum(refunds) as double) as credited_refunds,
        cast(sum(new_customers) as double) as credited_new_customers
    from cells
    group by business_date, platform, model, channel, campaign
)

select * from final
