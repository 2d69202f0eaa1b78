with

days as (
    select * from {{ ref('int_promo_days') }}
),

promo_days as (
    select * from {{ ref('int_calendar_promo_days') }}
),

paid as (
    select
        *,
        {{ join_key(['source', 'order_id']) }} as main_order_key
    from {{ ref('int_orders_attributed') }}
    where is_paid
),

items as (
    select * from {{ ref('int_order_items_shared') }}
    where is_goods and is_paid
),

redemptions as (
    select * from {{ ref('stg_raw__coupon_redemptions') }}
),

staged as (
    select * from {{ ref('stg_raw__orders') }}
),

members as (
    select * from {{ ref('int_retention_cells') }}
    where kind = 'purchase'
),

span as (
    select max(business_date) as last_date from {{ ref('int_calendar_days') }}
),

horizons as (
    select * from {{ ref('int_completeness_horizons') }}
    where kind = 'purchase' and platform = 'all'
),

promos as (
    select distinct
        promo,
        promo_year,
        platform,
        first_date,
        last_date
    from days
),

levels as (
    select
        promo,
        promo_year,
        platform,
        weekday,
        avg(gmv) as gmv,
        avg(margin_amount) as margin_amount
    from days
    where part = 'before'
    group by promo, promo_year, platform, weekday
),

-- beside each day the mean of the ordinary days of its weekday; one that has none leaves no sum
compared as (
    select
        days.promo,
        days.promo_year,
        days.platform,
        days.part,
        count(*) as day_count,
        sum(days.gmv) as gmv,
        case when count(*) = count(days.gmv) then sum(days.gmv) end as whole_gmv,
        case when count(*) = count(days.margin_amount) then sum(days.margin_amount) end
            as margin_amount,
        case when count(*) = count(days.cost) then sum(days.cost) end as cost,
        case when count(*) = count(levels.gmv) then sum(levels.gmv) end as baseline_gmv,
        case when count(*) = count(levels.margin_amount) then sum(levels.margin_amount) end
            as baseline_margin
    from days
    left join levels
        on
            days.promo = levels.promo
            and days.promo_year = levels.promo_year
            and days.platform = levels.platform
            and days.weekday = levels.weekday
    where days.part != 'before'
    group by days.promo, days.promo_year, days.platform, days.part
),

orders as (
    select
        promos.promo,
        promos.promo_year,
        paid.*
    from paid
    inner join promos
        on
            paid.platform = promos.platform
            and paid.business_date between promos.first_date and promos.last_date
),

sold as (
    select
        promo,
        promo_year,
        platform,
        count(*) as orders,
        count(distinct customer_key) as buyers,
        count(case when order_number = 1 then 1 end) as new_buyers
    from orders
    group by promo, promo_year, platform
),

discounted as (
    select
        orders.promo,
        orders.promo_year,
        orders.platform,
        sum(items.merchant_discount_amount) as merchant_discount_amount,
        sum(items.platform_discount_amount) as platform_discount_amount,
        sum(items.creator_discount_amount) as creator_discount_amount
    from orders
    inner join items on orders.main_order_key = items.main_order_key
    group by orders.promo, orders.promo_year, orders.platform
),

used as (
    select
        staged.platform,
        redemptions.redeemed_date
    from redemptions
    inner join staged on redemptions.order_key = staged.order_key
),

coupons as (
    select
        promos.promo,
        promos.promo_year,
        promos.platform,
        count(
            case when used.redeemed_date between promos.first_date and promos.last_date then 1 end
        ) as coupons_redeemed
    from promos
    inner join used on promos.platform = used.platform
    group by promos.promo, promos.promo_year, promos.platform
),

-- customers who first bought in it, and those of ordinary days whose 30 days ended before it
cohorts as (
    select
        promos.promo,
        promos.promo_year,
        promos.platform,
        members.cohort_date >= promos.first_date as is_of_promo,
        sum(
            case when members.business_date = members.cohort_date then members.active_count end
        ) as customers,
        sum(
            case
                when {{ days_from('members.cohort_date', 'members.business_date') }} <= 30
                    then members.first_return_count
            end
        ) as returned
    from members
    inner join promos on members.platform = promos.platform
    left join promo_days
        on
            members.platform = promo_days.platform
            and members.cohort_date = promo_days.promo_date
    where
        members.cohort_date between promos.first_date and promos.last_date
        or (
            promo_days.promo_date is null
            and promos.first_date - 365 <= members.cohort_date
            and members.cohort_date < promos.first_date - 30
        )
    group by
        promos.promo, promos.promo_year, promos.platform,
        members.cohort_date >= promos.first_date
),

final as (
    select
        promos.promo,
        promos.promo_year,
        promos.platform,
        promos.first_date,
        promos.last_date,
        cast(during.day_count as integer) as day_count,
        promos.last_date < span.last_date as is_over,
        cast(during.gmv as decimal(18, 2)) as gmv,
        cast(coalesce(sold.orders, 0) as bigint) as orders,
        cast(coalesce(sold.buyers, 0) as bigint) as buyers,
        cast(coalesce(sold.new_buyers, 0) as bigint) as new_buyers,
        case
            when promos.last_date + 30 <= horizons.last_complete_date
                then {{ ratio('came.returned', 'came.customers') }}
        end as new_buyer_d30_repurchase,
        {{ ratio('usual.returned', 'usual.customers') }} as ordinary_d30_repurchase_rate,
        {% for side, counted in [('came', 'd30'), ('usual', 'ordinary_d30')] %}
            {% for count, name in [('customers', 'buyers'), ('returned', 'returned_buyers')] %}
                case
                    when promos.last_date + 30 <= horizons.last_complete_date
                        then cast({{ side }}.{{ count }} as bigint)
                end as {{ counted }}_{{ name }},
            {% endfor %}
        {% endfor %}
        {% for bearer in ['merchant', 'platform', 'creator'] %}
            cast(discounted.{{ bearer }}_discount_amount as decimal(18, 2))
                as {{ bearer }}_discount_amount,
        {% endfor %}
        cast(
            discounted.merchant_discount_amount + discounted.platform_discount_amount
            + discounted.creator_discount_amount as decimal(18, 2)
        ) as discount_amount,
        cast(coupons.coupons_redeemed as bigint) as coupons_redeemed,
        cast(during.cost as decimal(18, 2)) as cost,
        cast({{ round_to_cents('during.baseline_gmv') }} as decimal(18, 2)) as baseline_naive_gmv,
        case
            when promos.last_date + 14 <= span.last_date
                then cast(afterwards.whole_gmv as decimal(18, 2))
        end as after_gmv,
        case
            when promos.last_date + 14 <= span.last_date
                then cast({{ round_to_cents('afterwards.baseline_gmv') }} as decimal(18, 2))
        end as after_baseline_naive_gmv,
        cast(during.margin_amount as decimal(18, 2)) as margin_amount,
        cast({{ round_to_cents('during.baseline_margin') }} as decimal(18, 2))
            as baseline_naive_margin_amount,
        {{ ratio('during.margin_amount - during.baseline_margin - during.cost', 'during.cost') }}
            as margin_roi
    from promos
    cross join span
    left join horizons on promos.last_date + 30 <= horizons.last_complete_date
    {% for step, condition in [
        ('compared as during', "during.part = 'promo'"),
        ('compared as afterwards', "afterwards.part = 'after'"),
        ('sold', none), ('discounted', none), ('coupons', none),
        ('cohorts as came', 'came.is_of_promo'),
        ('cohorts as usual', 'not usual.is_of_promo'),
    ] %}
        {% set name = step.split(' ')[-1] %}
        left join {{ step }}
            on
                promos.promo = {{ name }}.promo
                and promos.promo_year = {{ name }}.promo_year
                and promos.platform = {{ name }}.platform
                {{ 'and ' ~ condition if condition }}
    {% endfor %}
)

select * from final
