{% set counted = ['on_time', 'due', 'received', 'received_of', 'rejected', 'rejected_of',
    'returned', 'returned_of', 'leads', 'lead_sum', 'lead_squares', 'paid', 'usual_paid'] %}
{% set twelve_months = 'partition by source, supplier_id order by month_number'
    ' range between 11 preceding and current row' %}

with

lines as (
    select * from {{ ref('int_purchases_judged') }}
),

products as (
    select * from {{ ref('int_stock_products') }}
),

inventory as (
    select * from {{ ref('fct_inventory_daily') }}
),

sales as (
    select * from {{ ref('fct_product_daily') }}
),

bought as (
    select
        source,
        supplier_id,
        period_start,
        count(distinct po_id) as orders,
        sum(cast(unit_cost * ordered_quantity as decimal(18, 2))) as ordered_amount,
        count(case when is_on_time then 1 end) as on_time,
        count(is_on_time) as due,
        sum(case when received_date is not null then received_quantity end) as received,
        sum(case
            when received_date is not null and received_quantity is not null
                then ordered_quantity
        end) as received_of,
        sum(case when received_quantity is not null then rejected_quantity end) as rejected,
        sum(case when rejected_quantity is not null then received_quantity end) as rejected_of,
        count(lead_days) as leads,
        sum(lead_days) as lead_sum,
        sum(lead_days * lead_days) as lead_squares,
        sum(case when usual_cost is not null then unit_cost * ordered_quantity end) as paid,
        sum(usual_cost * ordered_quantity) as usual_paid
    from lines
    group by source, supplier_id, period_start
),

-- returns and sales are a supplier's own where no other supplied the product in the year
owned as (
    select
        months.period_start,
        lines.source,
        lines.product_key,
        min(lines.supplier_id) as supplier_id
    from (select distinct period_start from bought) as months
    inner join lines
        on
            lines.ordered_date <= last_day(months.period_start)
            and lines.ordered_date > last_day(months.period_start) - 365
    group by months.period_start, lines.source, lines.product_key
    having count(distinct lines.supplier_id) = 1
),

moved as (
    select
        owned.source,
        owned.supplier_id,
        owned.period_start,
        sum(inventory.returned) as returned,
        sum(inventory.sold) as returned_of
    from inventory
    inner join owned
        on
            inventory.product_key = owned.product_key
            and cast(date_trunc('month', inventory.business_date) as date) = owned.period_start
    group by owned.source, owned.supplier_id, owned.period_start
),

sold as (
    select
        owned.source,
        owned.supplier_id,
        owned.period_start,
        sum(sales.gmv) as single_source_gmv
    from sales
    inner join products on sales.product_key = products.shop_product_key
    inner join owned
        on
            products.product_key = owned.product_key
            and cast(date_trunc('month', sales.business_date) as date) = owned.period_start
    group by owned.source, owned.supplier_id, owned.period_start
),

company as (
    select
        cast(date_trunc('month', business_date) as date) as period_start,
        sum(gmv) as company_gmv
    from sales
    group by date_trunc('month', business_date)
),

joined as (
    select
        bought.*,
        moved.returned,
        moved.returned_of,
        sold.single_source_gmv,
        company.company_gmv,
        extract(year from bought.period_start) * 12 + extract(month from bought.period_start)
            as month_number
    from bought
    left join moved
        on
            bought.source = moved.source
            and bought.supplier_id = moved.supplier_id
            and bought.period_start = moved.period_start
    left join sold
        on
            bought.source = sold.source
            and bought.supplier_id = sold.supplier_id
            and bought.period_start = sold.period_start
    left join company on bought.period_start = company.period_start
),

yearly as (
    select
        *,
        {% for name in counted %}
            sum({{ name }}) over ({{ twelve_months }}) as year_{{ name }},
        {% endfor %}
        {{ ratio('paid', 'usual_paid') }} as price_index
    from joined
),

rated as (
    select
        *,
        {{ ratio('on_time', 'due') }} as on_time_rate,
        {{ ratio('received', 'received_of') }} as fill_rate,
        {{ ratio('rejected', 'rejected_of') }} as defect_rate,
        {{ ratio('returned', 'returned_of') }} as return_rate,
        {{ ratio('lead_sum', 'leads') }} as lead_time_days,
        {{ ratio('lead_squares * leads - lead_sum * lead_sum', 'leads * (leads - 1)') }}
            as lead_time_variance,
        {{ ratio('year_on_time', 'year_due') }} as year_on_time_rate,
        {{ ratio('year_received', 'year_received_of') }} as year_fill_rate,
        {{ ratio('year_rejected', 'year_rejected_of') }} as year_defect_rate,
        {{ ratio('year_returned', 'year_returned_of') }} as year_return_rate,
        {{ ratio('year_paid', 'year_usual_paid') }} as year_price_index,
        {{ ratio(
            'year_lead_squares * year_leads - year_lead_sum * year_lead_sum',
            'year_lead_sum * year_lead_sum'
        ) }} as year_lead_spread
    from yearly
),

-- what is worst of a part is what counts of it
pointed as (
    select
        *,
        least(
            {{ points('year_defect_rate', 0.01, 0.10) }},
            {{ points('year_return_rate', 0.05, 0.30) }}
        ) as quality_points,
        least(
            {{ points('year_on_time_rate', 0.95, 0.50) }},
            {{ points('year_fill_rate', 0.98, 0.80) }},
            {{ points('year_lead_spread', 0.10, 1.00) }}
        ) as delivery_points,
        {{ points('year_price_index', 1.00, 1.20) }} as price_points
    from rated
),

scored as (
    select
        *,
        {% set parts = ['quality', 'delivery', 'price'] %}
        {% set gained, possible = [], [] %}
        {% for part in parts %}
            {% set weight = var('supplier_' ~ part ~ '_weight') %}
            {% do gained.append('coalesce(' ~ part ~ '_points * ' ~ weight ~ ', 0)') %}
            {% do possible.append(
                'case when ' ~ part ~ '_points is not null then ' ~ weight ~ ' else 0 end'
            ) %}
        {% endfor %}
        {{ ratio(gained | join(' + '), possible | join(' + ')) }} as score
    from pointed
),

final as (
    select
        period_start,
        source,
        supplier_id,
        cast(orders as bigint) as orders,
        cast(ordered_amount as decimal(18, 2)) as ordered_amount,
        on_time_rate,
        fill_rate,
        defect_rate,
        return_rate,
        lead_time_days,
        lead_time_variance,
        price_index,
        quality_points,
        delivery_points,
        price_points,
        score,
        case
            when score >= 90 then 'A'
            when score >= 75 then 'B'
            when score >= 60 then 'C'
            when score is not null then 'D'
        end as grade,
        cast(single_source_gmv as decimal(18, 2)) as single_source_gmv,
        {{ ratio('single_source_gmv', 'company_gmv') }} as single_source_gmv_rate
    from scored
)

select * from final
