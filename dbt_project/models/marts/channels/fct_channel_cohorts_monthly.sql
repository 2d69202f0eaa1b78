with

cells as (
    select
        *,
        cast(
            floor({{ ratio(days_from('cohort_date', 'business_date') ~ ' + 29', 30) }}) as integer
        ) as age_months
    from {{ ref('int_retention_cells') }}
    where kind = 'purchase'
),

periods as (
    select * from {{ ref('int_calendar_periods') }}
    where grain = 'month'
),

horizons as (
    select * from {{ ref('int_completeness_horizons') }}
    where kind = 'purchase' and platform = 'all'
),

measured as (
    select * from {{ ref('int_channels_measured') }}
),

known as (
    select * from {{ ref('int_channels_known') }}
),

ages as (
    select numbers.age_months
    from (values ({{ var('retention_months') | join('), (') }})) as numbers (age_months)
),

-- Who bought before a platform's orders begin to be told is taken for new when he comes back.
begun as (
    select
        platform,
        min(cohort_date) as first_date
    from cells
    group by platform
),

-- spend is known of a platform's month where it is of all its days
known_months as (
    select
        periods.period_start as cohort_month,
        known.platform,
        bool_and(known.is_spend_known) as is_spend_known
    from known
    inner join periods on known.business_date = periods.business_date
    group by periods.period_start, known.platform
),

spent as (
    select
        periods.period_start as cohort_month,
        measured.channel,
        sum(measured.cost) as cost
    from measured
    inner join periods on measured.business_date = periods.business_date
    group by periods.period_start, measured.channel
),

aged as (
    select
        periods.period_start as cohort_month,
        periods.period_end as cohort_end,
        cells.channel,
        cells.platform,
        cells.age_months,
        sum(case when cells.business_date = cells.cohort_date then cells.active_count else 0 end)
            as customers,
        sum(cells.first_return_count) as returned,
        sum(cells.margin) as margin,
        sum(cells.unknown_margins) as unknown_margins
    from cells
    inner join periods on cells.cohort_date = periods.business_date
    group by
        periods.period_start, periods.period_end, cells.channel, cells.platform,
        cells.age_months
),

cohorts as (
    select
        aged.cohort_month,
        aged.cohort_end,
        aged.channel,
        sum(aged.customers) as customers,
        min({{ days_from('begun.first_date', 'aged.cohort_month') }}) as history_days,
        bool_and(coalesce(known_months.is_spend_known, false)) as is_spend_known
    from aged
    inner join begun on aged.platform = begun.platform
    left join known_months
        on
            aged.cohort_month = known_months.cohort_month
            and aged.platform = known_months.platform
    group by aged.cohort_month, aged.cohort_end, aged.channel
),

-- all that happened up to an age
summed as (
    select
        cohorts.cohort_month,
        cohorts.channel,
        ages.age_months,
        max(cohorts.customers) as customers,
        greatest(max(cohorts.history_days), 0) as history_days,
        bool_and(cohorts.is_spend_known) as is_spend_known,
        sum(aged.returned) as returned,
        case when sum(aged.unknown_margins) = 0 then coalesce(sum(aged.margin), 0) end as margin,
        bool_and(cohorts.cohort_end + 30 * ages.age_months <= horizons.last_complete_date)
            as is_mature,
        bool_and(cohorts.cohort_end <= horizons.last_complete_date) as is_over
    from cohorts
    cross join ages
    cross join horizons
    inner join aged
        on
            cohorts.cohort_month = aged.cohort_month
            and cohorts.channel = aged.channel
            and ages.age_months >= aged.age_months
    group by cohorts.cohort_month, cohorts.channel, ages.age_months
),

acquired as (
    select
        summed.*,
        case when summed.is_spend_known and summed.is_over then coalesce(spent.cost, 0) end as cost
    from summed
    left join spent
        on summed.cohort_month = spent.cohort_month and summed.channel = spent.channel
),

final as (
    select
        cohort_month,
        channel,
        age_months,
        cast(customers as bigint) as customers,
        cast(history_days as integer) as history_days,
        case when is_mature then cast(returned as bigint) end as repeat_buyers,
        {{ ratio('case when is_mature then returned end', 'customers') }} as repurchase_rate,
        case when is_mature then cast(margin as decimal(18, 2)) end as cumulative_margin,
        {{ ratio('case when is_mature then margin end', 'customers') }} as margin_per_customer,
        cast(cost as decimal(18, 2)) as cost,
        {{ ratio('nullif(cost, 0)', 'customers') }} as cac,
        -- of the same customers
        case when is_mature then margin >= nullif(cost, 0) end as is_paid_back
    from acquired
)

select * from final
