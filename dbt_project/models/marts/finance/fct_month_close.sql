{% set figures = [
    'gmv', 'merchant_receivable_amount', 'refunded_amount', 'cm1_amount', 'cm2_amount',
    'cm3_amount'
] %}
with

profit as (
    select
        *,
        cast(date_trunc('month', business_date) as date) as month_start
    from {{ ref('fct_profit_daily') }}
),

refunded as (
    select * from {{ ref('int_months_refunded') }}
),

refunders as (
    select * from {{ ref('int_platforms_refunding') }}
),

closed as (
    select * from {{ ref('int_months_closed') }}
),

reopened as (
    select * from {{ ref('int_months_reopened') }}
),

span as (
    select
        min(business_date) as first_date,
        max(business_date) as last_date
    from {{ ref('int_calendar_days') }}
),

booked as (
    select
        month_start,
        platform,
        {% for name in figures[1:] %}
            case when count(*) = count({{ name }}) then sum({{ name }}) end as {{ name }},
        {% endfor %}
        sum(gmv) as gmv
    from profit
    group by month_start, platform
),

months as (
    select
        month_start,
        platform
    from booked
    union
    select
        month_start,
        platform
    from closed
    union
    select
        month_start,
        platform
    from reopened
),

-- the months as the data are now; what lies before their first day is not known any more
known as (
    select
        months.*,
        {% for name in figures %}
            case
                when booked.platform is not null then booked.{{ name }}
                when months.month_start >= span.first_date then 0
            end as {{ name }},
        {% endfor %}
        {% for name in ['closed', 'later', 'taken'] %}
            case
                when refunders.platform is not null
                    then coalesce(refunded.{{ name }}_refunded_amount, 0)
            end as {{ name }}_refunded_amount,
        {% endfor %}
        last_day(months.month_start) + {{ var('finance_close_day') }} as close_date,
        span.last_date
    from months
    cross join span
    left join booked
        on months.platform = booked.platform and months.month_start = booked.month_start
    left join refunders on months.platform = refunders.platform
    left join refunded
        on months.platform = refunded.platform and months.month_start = refunded.month_start
),

-- beside what they were closed with; a month that no run has closed stands as it is known
stood as (
    select
        known.*,
        {% for name in figures + ['closed_refunded_amount'] %}
            case when closed.platform is null then known.{{ name }} else closed.{{ name }} end
                as stood_{{ name }},
        {% endfor %}
        coalesce(closed.close_date, known.close_date) as stood_date,
        closed.platform is not null or known.last_date > known.close_date as is_closed
    from known
    left join closed
        on known.platform = closed.platform and known.month_start = closed.month_start
),

final as (
    select
        stood.month_start,
        stood.platform,
        stood.stood_date as close_date,
        stood.is_closed,
        {% for name in figures + ['closed_refunded_amount'] %}
            cast(stood.stood_{{ name }} as decimal(18, 2)) as {{ name }},
            cast(stood.{{ name }} - stood.stood_{{ name }} as decimal(18, 2))
                as {{ name | replace('_amount', '') }}_restatement_amount,
        {% endfor %}
        cast(
            stood.stood_gmv - stood.stood_closed_refunded_amount as decimal(18, 2)
        ) as closed_net_amount,
        cast(-stood.later_refunded_amount as decimal(18, 2)) as adjustment_amount,
        cast(
            stood.gmv - stood.closed_refunded_amount - stood.later_refunded_amount
            as decimal(18, 2)
        ) as adjusted_net_amount,
        cast(-stood.taken_refunded_amount as decimal(18, 2)) as taken_adjustment_amount,
        reopened.reopened_date,
        reopened.reopening_reason,
        reopened.reopened_gmv,
        reopened.reopened_net_amount
    from stood
    left join reopened
        on stood.platform = reopened.platform and stood.month_start = reopened.month_start
)

select * from final
