{{ replace(
    rows='day', day='month_start', order_by=['month_start'],
    suffix=['int_order_items_shared'],
    affected={
        'int_customers_scored': [28, 31], 'int_orders_attributed': [-30, 0],
        'int_sessions_recognised': [-30, 0], 'int_order_items_shared': [-61, 0],
        'int_calendar_days': [-30, 31]
    }
) }}

with

periods as (
    select * from {{ ref('int_calendar_periods') }}
    where grain = 'month' and {{ only_affected_days('period_start') }}
),

scores as (
    select * from {{ ref('int_customers_scored') }}
    where {{ only_affected_days('month_start', before=31) }}
),

segments as (
    select * from {{ ref('rfm_segments') }}
),

paid as (
    select
        *,
        {{ join_key(['source', 'order_id']) }} as main_order_key
    from {{ ref('int_orders_attributed') }}
    where is_paid and customer_key is not null
),

sessions as (
    select * from {{ ref('int_sessions_recognised') }}
),

items as (
    select * from {{ ref('int_order_items_shared') }}
    where is_goods and is_paid and not is_gift and category is not null
),

orders as (
    select
        paid.*,
        periods.period_start as month_start
    from paid
    inner join periods on paid.business_date = periods.business_date
),

-- by the segment that customers had when the month began
placed as (
    select
        periods.period_start as month_start,
        scores.customer_key,
        segments.rfm_segment
    from (select distinct period_start from periods) as periods
    inner join scores on scores.as_of_date = periods.period_start - 1
    inner join segments
        on
            scores.r_score = segments.r_score
            and scores.f_score = segments.f_score
            and scores.m_score = segments.m_score
),

did as (
    select
        month_start,
        customer_key,
        0 as visits,
        1 as orders,
        units,
        paid_amount as gmv
    from orders
    union all
    select
        periods.period_start as month_start,
        sessions.customer_key,
        1 as visits,
        0 as orders,
        0 as units,
        0 as gmv
    from sessions
    inner join periods on sessions.business_date = periods.business_date
    union all
    select
        month_start,
        customer_key,
        0 as visits,
        0 as orders,
        0 as units,
        0 as gmv
    from placed
),

customers as (
    select
        did.month_start,
        coalesce(placed.rfm_segment, '(none)') as rfm_segment,
        did.customer_key,
        sum(did.visits) as visits,
        sum(did.orders) as orders,
        sum(did.units) as units,
        sum(did.gmv) as gmv
    from did
    left join placed
        on did.month_start = placed.month_start and did.customer_key = placed.customer_key
    group by did.month_start, placed.rfm_segment, did.customer_key
),

categories as (
    select
        orders.month_start,
        coalesce(placed.rfm_segment, '(none)') as rfm_segment,
        items.category,
        sum(items.line_amount) as gmv
    from items
    inner join orders on items.main_order_key = orders.main_order_key
    left join placed
        on orders.month_start = placed.month_start and orders.customer_key = placed.customer_key
    group by orders.month_start, placed.rfm_segment, items.category
),

favourites as (
    select
        month_start,
        rfm_segment,
        category,
        gmv,
        sum(gmv) over (partition by month_start, rfm_segment) as all_gmv
    from categories
    qualify
        row_number() over (
            partition by month_start, rfm_segment
            order by gmv desc, category asc
        ) = 1
),

summed as (
    select
        month_start,
        rfm_segment,
        count(*) as customers,
        sum(visits) as visits,
        count(case when visits > 0 then 1 end) as visiting_customers,
        count(case when visits > 0 and orders > 0 then 1 end) as buying_visitors,
        count(case when orders > 0 then 1 end) as buyers,
        sum(orders) as orders,
        sum(units) as units,
        sum(gmv) as gmv,
        sum(sum(visits)) over (partition by month_start) > 0 as is_tracked
    from customers
    group by month_start, rfm_segment
),

final as (
    select
        summed.month_start,
        summed.rfm_segment,
        cast(summed.customers as bigint) as customers,
        cast(case when summed.is_tracked then summed.visits end as bigint) as visits,
        cast(case when summed.is_tracked then summed.visiting_customers end as bigint)
            as visiting_customers,
        cast(case when summed.is_tracked then summed.buying_visitors end as bigint)
            as buying_visitors,
        cast(summed.buyers as bigint) as buyers,
        cast(summed.orders as bigint) as orders,
        cast(summed.units as bigint) as units,
        cast(summed.gmv as decimal(18, 2)) as gmv,
        {{ ratio(
            'case when summed.is_tracked then summed.buying_visitors end',
            'summed.visiting_customers'
        ) }} as conversion_rate,
        {{ ratio('summed.orders', 'summed.buyers') }} as orders_per_buyer,
        {{ ratio('summed.gmv', 'summed.orders') }} as aov,
        {{ ratio('summed.units', 'summed.orders') }} as units_per_order,
        favourites.category as top_category,
        {{ ratio('favourites.gmv', 'favourites.all_gmv') }} as top_category_rate
    from summed
    left join favourites
        on
            summed.month_start = favourites.month_start
            and summed.rfm_segment = favourites.rfm_segment
)

select * from final
