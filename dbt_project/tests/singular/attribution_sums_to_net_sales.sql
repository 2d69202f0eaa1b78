-- Every model credits each day's orders, gmv and net sales (by refund date), no more and no less;
-- net sales where they are known, and nothing before the first sale.
with

credited as (
    select
        business_date,
        model,
        sum(credited_orders) as orders,
        sum(credited_gmv) as gmv,
        sum(credited_revenue) as net_sales
    from {{ ref('fct_attribution_daily') }}
    group by business_date, model
),

lost as (
    select distinct period_start as business_date from {{ ref('int_gmv_known') }}
    where grain = 'day' and has_sold and not is_sales_known
),

models as (
    {% for model in attribution_models() -%}
        select '{{ model }}' as model{{ ' union all' if not loop.last }}
    {% endfor %}
),

company as (
    select
        daily.*,
        models.model
    from {{ ref('fct_gmv_daily') }} as daily
    cross join models
    where daily.dimension = 'all'
),

final as (
    select
        coalesce(company.business_date, credited.business_date) as business_date,
        coalesce(company.model, credited.model) as model,
        company.net_sales,
        credited.net_sales as credited_net_sales
    from company
    full join credited
        on
            company.business_date = credited.business_date
            and company.model = credited.model
    where
        (
            abs(coalesce(company.net_sales, 0) - coalesce(credited.net_sales, 0)) > 1e-4
            and (
                company.net_sales is not null
                or (
                    company.gmv is null
                    and company.business_date not in (select lost.business_date from lost)
                )
            )
        )
        or abs(coalesce(company.gmv, 0) - coalesce(credited.gmv, 0)) > 1e-4
        or abs(coalesce(company.orders, 0) - coalesce(credited.orders, 0)) > 1e-6
)

select * from final
