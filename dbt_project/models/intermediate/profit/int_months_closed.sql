{% set figures = [
    'gmv', 'merchant_receivable_amount', 'refunded_amount', 'cm1_amount', 'cm2_amount',
    'cm3_amount', 'closed_refunded_amount'
] %}
with

closed as (
    select * from {{ source('raw', 'closed_months') }}
),

reopened as (
    select * from {{ ref('int_months_reopened') }}
),

spans as (
    select
        platform,
        min(month_start) as first_month,
        max(month_start) as last_month
    from closed
    group by platform
),

days as (
    select
        platform,
        {{ each_day('first_month', 'last_month') }} as business_date
    from spans
),

months as (
    select distinct
        platform,
        cast(date_trunc('month', business_date) as date) as month_start
    from days
),

-- a month between those that were closed in which the platform had booked nothing was closed so
final as (
    select
        months.month_start,
        months.platform,
        {% for name in figures %}
            cast(
                case when closed.platform is null then 0 else closed.{{ name }} end
                as decimal(18, 2)
            ) as {{ name }},
        {% endfor %}
        coalesce(
            closed.close_date, last_day(months.month_start) + {{ var('finance_close_day') }}
        ) as close_date
    from months
    left join closed
        on months.platform = closed.platform and months.month_start = closed.month_start
    left join reopened
        on months.platform = reopened.platform and months.month_start = reopened.month_start
    -- what was reopened is closed by the next run, not by what lies around it
    where closed.platform is not null or reopened.platform is null
)

select * from final
