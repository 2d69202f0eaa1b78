with

days as (
    select * from {{ ref('int_stock_days') }}
),

products as (
    select * from {{ ref('int_stock_products') }}
),

sales as (
    select * from {{ ref('fct_product_daily') }}
),

descriptions as (
    select * from {{ ref('dim_product_history') }}
),

purchased as (
    select
        product_key,
        {{ local_date('ordered_at') }} as first_date,
        lead({{ local_date('ordered_at') }}) over (
            partition by product_key order by ordered_at, po_id, po_line
        ) as next_date,
        unit_cost
    from {{ ref('stg_raw__purchase_orders') }}
),

-- what a piece of it brings and costs; product lists that differ do not tell the cost
worth as (
    select
        days.product_key,
        days.business_date,
        sum(sales.gmv) as gmv,
        sum(sales.units) as units,
        case
            when min(descriptions.unit_cost) = max(descriptions.unit_cost)
                then max(descriptions.unit_cost)
        end as listed_cost
    from (select distinct
        product_key,
        business_date
    from days) as days
    inner join products on days.product_key = products.product_key
    left join descriptions
        on
            products.shop_product_key = descriptions.product_key
            and (days.business_date >= descriptions.valid_from or descriptions.is_first)
            and (days.business_date <= descriptions.valid_to or descriptions.valid_to is null)
    left join sales
        on
            products.shop_product_key = sales.product_key
            and days.business_date = sales.business_date
    group by days.product_key, days.business_date
),

priced as (
    select
        worth.product_key,
        worth.business_date,
        coalesce(worth.listed_cost, purchased.unit_cost) as unit_cost,
        sum(worth.gmv) over four_weeks as price_gmv,
        sum(worth.units) over four_weeks as price_units
    from worth
    left join purchased
        on
            worth.product_key = purchased.product_key
            and worth.business_date >= purchased.first_date
            and (worth.business_date < purchased.next_date or purchased.next_date is null)
    window four_weeks as (
        partition by worth.product_key order by worth.business_date
        rows between 27 preceding and current row
    )
),

sided as (
    select
        days.*,
        priced.unit_cost,
        {{ ratio('priced.price_gmv', 'priced.price_units') }} as unit_price,
        days.on_hand <= 0 as is_stock_out,
        case when days.is_moves_known then days.sold end as known_sold,
        case when days.is_moves_known and days.on_hand > 0 then days.sold end as stocked_sold,
        sum(days.sold) over (partition by days.source, days.warehouse, days.business_date)
        - days.sold as others_sold
    from days
    inner join priced
        on days.product_key = priced.product_key and days.business_date = priced.business_date
),

-- of the four weeks before and of those that end with the day
windowed as (
    select
        *,
        sum(stocked_sold) over before as own_before,
        sum(case when stocked_sold is not null then others_sold end) over before as others_before,
        count(stocked_sold) over before as days_before,
        sum(known_sold) over lately as sold_28d,
        {{ ratio('sum(stocked_sold) over lately', 'count(stocked_sold) over lately') }}
            as daily_units,
        sum(on_hand * unit_cost) over lately as stock_sum,
        sum(case when on_hand is not null then (known_sold - returned) * unit_cost end) over lately
            as cost_sum,
        max(case when sold > 0 then business_date end) over so_far as last_sold_date,
        min(business_date) over so_far as first_date
    from sided
    window
        before as (
            partition by product_key, warehouse order by business_date
            rows between 28 preceding and 1 preceding
        ),
        lately as (
            partition by product_key, warehouse order by business_date
            rows between 27 preceding and current row
        ),
        so_far as (
            partition by product_key, warehouse order by business_date
            rows between unbounded preceding and current row
        )
),

-- its usual part of what else is sold there, times what else was
expected as (
    select
        *,
        case
            when is_stock_out and days_before >= 14 and others_before > 0
                then {{ ratio('own_before', 'others_before') }} * others_sold
            when is_stock_out and days_before >= 14 then {{ ratio('own_before', 'days_before') }}
        end as expected_units
    from windowed
),

lost as (
    select
        *,
        case
            when not is_stock_out or expected_units <= known_sold then 0
            else expected_units - known_sold
        end as lost_units
    from expected
),

final as (
    select
        business_date,
        source,
        product_id,
        product_key,
        warehouse,
        cast(opening as bigint) as opening,
        {% for name in ['received', 'sold', 'returned', 'adjusted'] %}
            cast(case when is_moves_known then {{ name }} end as bigint) as {{ name }},
        {% endfor %}
        on_hand,
        in_transit,
        reserved,
        cast(unexplained_units as bigint) as unexplained_units,
        unexplained_units = 0 as is_balanced,
        is_stock_out,
        cast(lost_units as double) as lost_sales_units,
        cast(
            case when lost_units = 0 then 0 else {{ round_to_cents('lost_units * unit_price') }} end
            as decimal(18, 2)
        ) as lost_sales_amount,
        cast(on_hand * unit_cost as decimal(18, 2)) as stock_amount,
        cast(sold_28d as bigint) as sold_28d_units,
        daily_units,
        {{ ratio('on_hand', 'daily_units') }} as days_of_stock,
        {{ ratio('stock_sum', 'case when cost_sum > 0 then cost_sum end') }} as turnover_days,
        case
            when is_moves_known
                then {{ days_from('coalesce(last_sold_date, first_date)', 'business_date') }}
        end as days_without_sale
    from lost
)

select * from final
