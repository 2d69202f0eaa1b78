with

described as (
    select * from {{ ref('int_products_described') }}
),

sales as (
    select * from {{ ref('fct_product_daily') }}
),

inventory as (
    select * from {{ ref('fct_inventory_daily') }}
),

stocked as (
    select * from {{ ref('int_stock_products') }}
),

span as (
    select max(business_date) as last_date from {{ ref('int_calendar_days') }}
),

sellers as (
    select distinct source from {{ ref('stg_raw__orders') }}
),

refunders as (
    select distinct source from {{ ref('stg_raw__refunds') }}
),

aged as (
    select
        sales.*,
        {{ days_from('sales.business_date', 'span.last_date') }} as age_days
    from sales
    cross join span
),

-- what of it a source sold in the last eight weeks and in the eight before
trends as (
    select
        source,
        product_key,
        sum(case when age_days < 56 then units end) as units_now,
        sum(case when age_days < 56 then gmv end) as gmv_now,
        sum(case when age_days >= 56 then units end) as units_before,
        sum(sum(case when age_days < 56 then units end)) over (partition by source) as all_now,
        sum(sum(case when age_days >= 56 then units end)) over (partition by source) as all_before
    from aged
    where age_days < 112
    group by source, product_key
),

-- of the last 26 weeks
weeks as (
    select
        product_key,
        sum(units) as week_units
    from aged
    where age_days < 182
    group by product_key, {{ quotient('age_days', 7) }}
),

demand as (
    select
        product_key,
        sum(week_units) as units_26w,
        sum(week_units * week_units) as squares_26w
    from weeks
    group by product_key
),

sold as (
    select
        source,
        product_id,
        product_key,
        min(case when orders > 0 then business_date end) as first_sold_date,
        max(case when orders > 0 then business_date end) as last_sold_date,
        least(floor(max(case when orders > 0 then age_days end) / 7) + 1, 26) as weeks,
        sum(orders) as orders,
        sum(units) as units,
        sum(gmv) as gmv,
        sum(refunds) as refunds,
        sum(refunded_amount) as refunded_amount,
        sum(views) as views,
        sum(add_to_carts) as add_to_carts,
        sum(
            case when age_days < 365 then coalesce(gmv, 0) - coalesce(refunded_amount, 0) else 0 end
        ) as year_net_sales
    from aged
    group by source, product_id, product_key
),

-- a shop's product has the stock of every warehouse that keeps it
kept as (
    select
        product_key as stock_key,
        product_key
    from stocked
    union
    select
        product_key as stock_key,
        shop_product_key as product_key
    from stocked
    where shop_product_key is not null
),

last_counts as (
    select
        source,
        max(business_date) as business_date
    from inventory
    group by source
),

stock as (
    select
        kept.product_key,
        sum(inventory.on_hand) as on_hand,
        sum(inventory.sold_28d_units) as sold_28d_units,
        sum(cast(inventory.daily_units as decimal(38, 18))) as daily_units,
        count(inventory.on_hand) = count(*) as is_counted
    from inventory
    inner join last_counts
        on
            inventory.source = last_counts.source
            and inventory.business_date = last_counts.business_date
    inner join kept on inventory.product_key = kept.stock_key
    group by kept.product_key
),

-- all that ever was there is what was kept by buyers, was lost, or is there still
flows as (
    select
        kept.product_key,
        sum(inventory.sold - inventory.returned) as kept_units,
        sum(inventory.sold - inventory.returned - inventory.adjusted) as gone_units
    from inventory
    inner join kept on inventory.product_key = kept.stock_key
    group by kept.product_key
    having count(inventory.sold) = count(*)
),

keys as (
    select
        source,
        product_id,
        product_key
    from described
    where not is_borrowed
    union
    select
        source,
        product_id,
        product_key
    from sold
    union
    select
        source,
        product_id,
        product_key
    from stocked
),

joined as (
    select
        keys.source as product_source,
        keys.product_id as product,
        keys.product_key as key_of_product,
        described.*,
        sold.*,
        trends.*,
        demand.*,
        stock.*,
        flows.*,
        sellers.source is not null as is_selling,
        refunders.source is not null as is_refunding,
        greatest(coalesce(sold.year_net_sales, 0), 0) as weight,
        {{ days_from(
            'coalesce(described.launched_at, sold.first_sold_date)', 'span.last_date'
        ) }} as days_on_sale,
        {{ ratio(
            ratio('trends.units_now', 'trends.all_now'),
            ratio('trends.units_before', 'trends.all_before')
        ) }} as growth
    from keys
    cross join span
    left join sellers on keys.source = sellers.source
    left join refunders on keys.source = refunders.source
    left join described on keys.product_key = described.described_key
    left join sold on keys.product_key = sold.product_key
    left join trends on keys.product_key = trends.product_key
    left join demand on keys.product_key = demand.product_key
    left join stock on keys.product_key = stock.product_key
    left join flows on keys.product_key = flows.product_key
),

ranked as (
    select
        *,
        sum(weight) over (
            order by weight desc, product_source asc, product asc
            rows between unbounded preceding and current row
        ) - weight as weight_before,
        sum(weight) over () as weight_total,
        -- sample deviation of pieces a week over their mean
        case
            when units_26w > 0 and squares_26w * weeks >= units_26w * units_26w
                then {{ ratio(
                    'weeks * power('
                    ~ ratio('squares_26w * weeks - units_26w * units_26w', 'weeks * (weeks - 1)')
                    ~ ', 0.5)',
                    'units_26w'
                ) }}
        end as weekly_demand_cv,
        case when is_counted then {{ ratio('on_hand', 'daily_units') }} end as days_left
    from joined
),

final as (
    select
        key_of_product as product_key,
        product_source as source,
        product as product_id,
        name as product_name,
        category_1 as category,
        brand,
        role,
        supplier_id,
        cast(list_price as decimal(18, 2)) as list_price,
        cast(cost as decimal(18, 2)) as unit_cost,
        launched_at as launched_date,
        first_sold_date,
        last_sold_date,
        -- of a source without orders or refunds nothing is known of these
        cast(case when is_selling then coalesce(orders, 0) end as bigint) as orders,
        cast(case when is_selling then coalesce(units, 0) end as bigint) as units,
        cast(case when is_selling then coalesce(gmv, 0) end as decimal(18, 2)) as gmv,
        cast(case when is_refunding then coalesce(refunds, 0) end as bigint) as refunds,
        cast(
            case when is_refunding then coalesce(refunded_amount, 0) end as decimal(18, 2)
        ) as refunded_amount,
        cast(views as bigint) as views,
        cast(add_to_carts as bigint) as add_to_carts,
        -- the product that crosses 80 % is still A
        case
            when not is_selling then null
            when weight > 0 and weight_before < 0.8 * weight_total then 'A'
            when weight > 0 and weight_before < 0.95 * weight_total then 'B'
            else 'C'
        end as abc_class,
        weekly_demand_cv,
        case
            when weeks < 8 then null
            when weekly_demand_cv <= 0.5 then 'X'
            when weekly_demand_cv <= 1.0 then 'Y'
            when weekly_demand_cv > 1.0 then 'Z'
        end as xyz_class,
        case
            when not is_selling or coalesce(units, 0) = 0 then null
            when days_on_sale < 60 then 'new'
            when units_now > 0 and gmv_now <= 0.7 * units_now * list_price then 'clearance'
            when coalesce(units_now, 0) + coalesce(units_before, 0) = 0 then 'declining'
            when coalesce(units_now, 0) + coalesce(units_before, 0) < 20 then 'mature'
            when growth >= 1.25 or coalesce(units_before, 0) = 0 then 'growing'
            when growth <= 0.75 or coalesce(units_now, 0) = 0 then 'declining'
            else 'mature'
        end as lifecycle_stage,
        cast(case when is_counted then on_hand end as bigint) as on_hand,
        days_left as days_of_stock,
        case
            when is_counted then on_hand > 0 and (days_left > 90 or sold_28d_units = 0)
        end as is_slow_moving,
        {{ ratio('kept_units', 'case when is_counted then gone_units + on_hand end') }}
            as sell_through_rate
    from ranked
)

select * from final
