with

products as (
    select * from {{ ref('stg_raw__products') }}
),

sales as (
    select * from {{ ref('int_products_sold') }}
),

span as (
    select max(business_date) as last_date
    from {{ ref('int_calendar_days') }}
),

sellers as (
    select distinct source from {{ ref('stg_raw__orders') }}
),

refunders as (
    select distinct source from {{ ref('stg_raw__refunds') }}
),

described as (
    select *
    from products
    qualify row_number() over (partition by source, product_id order by valid_from desc) = 1
),

sold as (
    select
        sales.source,
        sales.product_id,
        min(case when sales.orders > 0 then sales.business_date end) as first_sold_date,
        max(case when sales.orders > 0 then sales.business_date end) as last_sold_date,
        sum(sales.orders) as orders,
        sum(sales.units) as units,
        sum(sales.gmv) as gmv,
        sum(sales.refunded_amount) as refunded_amount,
        sum(
            case
                when sales.business_date > span.last_date - 365
                    then sales.gmv - sales.refunded_amount
                else 0
            end
        ) as year_net_sales
    from sales
    cross join span
    group by sales.source, sales.product_id
),

joined as (
    select
        described.*,
        sold.*,
        coalesce(described.source, sold.source) as product_source,
        coalesce(described.product_id, sold.product_id) as product,
        greatest(coalesce(sold.year_net_sales, 0), 0) as weight
    from described
    full join sold
        on described.source = sold.source and described.product_id = sold.product_id
),

ranked as (
    select
        *,
        sum(weight) over (
            order by weight desc, product_source asc, product asc
            rows between unbounded preceding and current row
        ) - weight as weight_before,
        sum(weight) over () as weight_total
    from joined
),

final as (
    select
        product_source as source,
        product as product_id,
        name as product_name,
        category_1 as category,
        brand,
        role,
        cast(list_price as decimal(18, 2)) as list_price,
        cast(cost as decimal(18, 2)) as unit_cost,
        launched_at as launched_date,
        first_sold_date,
        last_sold_date,
        -- of a source without orders or refunds nothing is known of these
        {% set sells = 'product_source in (select sellers.source from sellers)' %}
        {% set refunds = 'product_source in (select refunders.source from refunders)' %}
        cast(case when {{ sells }} then coalesce(orders, 0) end as bigint) as orders,
        cast(case when {{ sells }} then coalesce(units, 0) end as bigint) as units,
        cast(case when {{ sells }} then coalesce(gmv, 0) end as decimal(18, 2)) as gmv,
        cast(
            case when {{ refunds }} then coalesce(refunded_amount, 0) end as decimal(18, 2)
        ) as refunded_amount,
        -- the product that crosses 80 % is still A
        case
            when not ({{ sells }}) then null
            when weight > 0 and weight_before < 0.8 * weight_total then 'A'
            when weight > 0 and weight_before < 0.95 * weight_total then 'B'
            else 'C'
        end as abc_class
    from ranked
)

select * from final
