{# Additive chain ladder: of each age, in days since the payment, the part of the goods paid that
   goes back at that age, over the days of the last year that are as old; what is still to come of a
   day is the sum over the ages it has not reached. #}
with

orders as (
    select * from {{ ref('int_orders_rolled_up') }}
    where is_paid
),

days as (
    select
        platform,
        business_date,
        sum(paid_goods_amount) as gmv
    from orders
    group by platform, business_date
    having sum(paid_goods_amount) > 0
),

refunds as (
    select
        orders.platform,
        orders.business_date,
        converted.refund_date,
        converted.goods_amount,
        {{ days_from('orders.business_date', 'converted.refund_date') }} as delay_days
    from {{ ref('int_refunds_converted') }} as converted
    inner join orders on converted.main_order_key = orders.main_order_key
),

told as (
    select
        platform,
        business_date as told_date
    from days
    union all
    select
        platform,
        refund_date as told_date
    from refunds
),

spans as (
    select
        told.platform,
        min(days.business_date) as first_date,
        max(told.told_date) as last_date
    from told
    inner join {{ ref('int_platforms_refunding') }} as refunding
        on told.platform = refunding.platform
    left join days on told.platform = days.platform and told.told_date = days.business_date
    group by told.platform
),

calendar as (
    select
        business_date,
        min(business_date) over () as first_date
    from {{ ref('int_calendar_days') }}
),

-- 0, 1, 2 ...
ages as (
    select {{ days_from('first_date', 'business_date') }} as age_days
    from calendar
    where {{ days_from('first_date', 'business_date') }} <= {{ var('refund_ladder_days') }}
),

-- a ladder whose last rung nobody has reached would leave out what it does not know
observed as (
    select
        days.platform,
        days.business_date,
        ages.age_days,
        days.gmv
    from days
    inner join spans on days.platform = spans.platform
    inner join ages
        on ages.age_days <= {{ days_from('days.business_date', 'spans.last_date') }}
    where
        {{ days_from('spans.first_date', 'spans.last_date') }} >= {{ var('refund_ladder_days') }}
        and {{ days_from('days.business_date', 'spans.last_date') }}
        <= 365 + {{ var('refund_ladder_days') }}
),

back as (
    select
        platform,
        business_date,
        greatest(delay_days, 0) as age_days,
        sum(goods_amount) as amount
    from refunds
    group by platform, business_date, greatest(delay_days, 0)
),

-- decimals: the same in any order of the days
rated as (
    select
        observed.platform,
        observed.age_days,
        count(*) as day_count,
        sum(observed.gmv) as gmv,
        sum(coalesce(back.amount, 0)) as amount,
        sum(cast({{ ratio('back.amount * back.amount', 'observed.gmv') }} as decimal(38, 8)))
            as squares
    from observed
    left join back
        on
            observed.platform = back.platform
            and observed.business_date = back.business_date
            and observed.age_days = back.age_days
    group by observed.platform, observed.age_days
),

-- how far days are from the rate of all, for each unit of goods paid
scattered as (
    select
        platform,
        age_days,
        gmv,
        {{ ratio('amount', 'gmv') }} as refund_rate,
        greatest(
            {{ ratio(
                'coalesce(squares, 0) - ' ~ ratio('amount * amount', 'gmv'), 'day_count - 1'
            ) }},
            0
        ) as variance
    from rated
),

final as (
    select
        platform,
        age_days,
        refund_rate,
        sum(refund_rate) over (partition by platform order by age_days) as rate_so_far,
        coalesce(sum(refund_rate) over older, 0) as remaining_rate,
        coalesce(sum(variance) over older, 0) as remaining_variance,
        coalesce(sum({{ ratio('variance', 'gmv') }}) over older, 0) as estimate_variance
    from scattered
    window
        older as (
            partition by platform
            order by age_days
            rows between 1 following and unbounded following
        )
)

select * from final
