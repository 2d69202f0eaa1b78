{# What the sums and ratios of a review are made of, day by day; a part not known is NULL. #}
{% set of_sales = ['gmv', 'net_sales', 'orders', 'new_buyers'] %}
with sold as (
    select * from {{ ref('fct_gmv_daily') }}
    where dimension = 'all'
),

profits as (
    select
        business_date,
        case when count(cm2_amount) = count(*) then sum(cm2_amount) end as cm2_amount
    from {{ ref('fct_profit_daily') }}
    group by business_date
),

spent as (
    select
        business_date,
        platform,
        sum(gmv) as gmv,
        case when count(cost) = count(*) then sum(cost) end as cost
    from {{ ref('fct_channel_daily') }}
    where is_additive
    group by business_date, platform
),

-- a platform advertises from the first day on that it tells of
advertised as (
    select
        platform,
        min(business_date) as first_date
    from spent
    where cost is not null
    group by platform
),

spends as (
    select
        spent.business_date,
        case when count(spent.cost) = count(*) then sum(spent.cost) end as cost,
        case when count(spent.cost) = count(*) then sum(spent.gmv) end as gmv
    from spent
    inner join advertised
        on spent.platform = advertised.platform and spent.business_date >= advertised.first_date
    group by spent.business_date
),

refunds as (
    select
        business_date,
        sum(refunded_amount) as refunded_amount,
        sum(gmv) as gmv
    from {{ ref('fct_after_sales_daily') }}
    where
        date_basis = 'event_date'
        and dimension = 'all'
        and refunded_amount is not null
        and gmv is not null
    group by business_date
),

parcels as (
    select
        business_date,
        sum(shipped_48h_orders) as shipped_48h_orders,
        sum(due_48h_orders) as due_48h_orders
    from {{ ref('fct_fulfilment_daily') }}
    group by business_date
),

parts as (
    {% for metric in of_sales %}
        select
            business_date,
            '{{ metric }}' as metric,
            {{ metric }} as numerator,
            cast(null as double) as denominator,
            false as is_ratio
        from sold
        union all
    {% endfor %}
    -- a day without sales has no cells, and made nothing
    select
        sold.business_date,
        'cm2_amount' as metric,
        case when profits.business_date is null and sold.gmv = 0 then 0 else profits.cm2_amount end
            as numerator,
        null as denominator,
        false as is_ratio
    from sold
    left join profits on sold.business_date = profits.business_date
    union all
    select
        business_date,
        'cost' as metric,
        cost as numerator,
        null as denominator,
        false as is_ratio
    from spends
    union all
    select
        business_date,
        'mer' as metric,
        gmv as numerator,
        cost as denominator,
        true as is_ratio
    from spends
    union all
    select
        business_date,
        'refund_amount_rate' as metric,
        refunded_amount as numerator,
        gmv as denominator,
        true as is_ratio
    from refunds
    union all
    select
        business_date,
        'shipped_48h_rate' as metric,
        shipped_48h_orders as numerator,
        due_48h_orders as denominator,
        true as is_ratio
    from parcels
),

final as (
    select
        business_date,
        metric,
        cast(numerator as decimal(28, 6)) as numerator,
        cast(denominator as decimal(28, 6)) as denominator,
        is_ratio
    from parts
)

select * from final
