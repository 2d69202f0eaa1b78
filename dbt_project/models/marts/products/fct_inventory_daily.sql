{{ replace(
    rows='day', day='business_date', order_by=['business_date'],
    affected={
        'int_stock_days': [0, 28], 'fct_product_daily': [0, 27], 'int_stock_products': [0, 0],
        'int_stock_costs': [0, 0]
    },
    suffix=['int_stock_products', 'int_stock_costs']
) }}

with

days as (
    select * from {{ ref('int_stock_days') }}
    where {{ only_affected_days('business_date', before=28) }}
),

products as (
    select * from {{ ref('int_stock_products') }}
),

sales as (
    select * from {{ ref('fct_product_daily') }}
    where {{ only_affected_days('business_date', before=27) }}
),

costs as (
    select
        *,
        lead(first_date) over (partition by product_key order by first_date) as next_date
    from {{ ref('int_stock_costs') }}
),

-- what a piece of it brings, of all shops and of the four weeks that end with the day
sold as (
    select
        days.product_key,
        days.business_date,
        {{ days_from("date '2000-01-01'", 'days.business_date') }} as day_number,
        sum(sales.gmv) as gmv,
        sum(sales.units) as units
    from (select distinct
        product_key,
        business_date
    from days) as days
    inner join products on days.product_key = products.product_key
    left join sales
        on
            products.shop_product_key = sales.product_key
            and days.business_date = sales.business_date
    group by days.product_key, days.business_date
),

priced as (
    select
        sold.product_key,
        sold.business_date,
        costs.unit_cost,
        sum(sold.gmv) over four_weeks as price_gmv,
        sum(sold.units) over four_weeks as price_units
    from sold
    left join costs
        on
            sold.product_key = costs.product_key
            and sold.business_date >= costs.first_date
            and (sold.business_date < costs.next_date or costs.next_date is null)
    window four_weeks as (
        partition by sold.product_key order by sold.day_number
        range between 27 preceding and current row
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
            as cost_sum
    from sided
    window
        before as (
            partition by product_key, warehouse order by business_date
            rows between 28 preceding and 1 preceding
        ),
        lately as (
            partition by product_key, warehouse order by business_date
            rows between 27 preceding and current row
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
        case when is_moves_known then {{ days_from('idle_since_date', 'business_date') }} end
            as days_without_sale
    from lost
    where {{ only_affected_days('business_date') }}
)

select * from final
