{#
The figures of the weekly and the monthly review. Sums and ratios of sums come from days; what is
counted by persons comes from its own week or month and has no figure of several of them.
#}
{% set counted = ['conversion_rate', 'gmv_per_buyer', 'repeat_purchase_rate', 'visitors'] %}
{% set spans = ['month', 'quarter', 'year'] %}
{% set of_sales = ['gmv', 'net_sales', 'orders', 'new_buyers'] %}
with periods as (
    select * from {{ ref('int_review_periods') }}
),

-- what sums and ratios are made of, day by day; what is not known is NULL
sold as (
    select * from {{ ref('fct_gmv_daily') }}
    where dimension = 'all'
),

profits as (
    select
        business_date,
        case when count(cm2_amount) = count(*) then sum(cm2_amount) end as cm2_amount
    from {{ ref('fct_profit_daily') }}
    group by business_date
),

spent as (
    select
        business_date,
        platform,
        sum(gmv) as gmv,
        case when count(cost) = count(*) then sum(cost) end as cost
    from {{ ref('fct_channel_daily') }}
    where is_additive
    group by business_date, platform
),

-- a platform advertises from the first day on that it tells of
advertised as (
    select
        platform,
        min(business_date) as first_date
    from spent
    where cost is not null
    group by platform
),

spends as (
    select
        spent.business_date,
        case when count(spent.cost) = count(*) then sum(spent.cost) end as cost,
        case when count(spent.cost) = count(*) then sum(spent.gmv) end as gmv
    from spent
    inner join advertised
        on spent.platform = advertised.platform and spent.business_date >= advertised.first_date
    group by spent.business_date
),

refunds as (
    select
        business_date,
        sum(refunded_amount) as refunded_amount,
        sum(gmv) as gmv
    from {{ ref('fct_after_sales_daily') }}
    where
        date_basis = 'event_date'
        and dimension = 'all'
        and refunded_amount is not null
        and gmv is not null
    group by business_date
),

parcels as (
    select
        business_date,
        sum(shipped_48h_orders) as shipped_48h_orders,
        sum(due_48h_orders) as due_48h_orders
    from {{ ref('fct_fulfilment_daily') }}
    group by business_date
),

figures_of_days as (
    {% for metric in of_sales %}
        select
            business_date,
            '{{ metric }}' as metric,
            {{ metric }} as numerator,
            cast(null as double) as denominator,
            false as is_ratio
        from sold
        union all
    {% endfor %}
    -- a day without sales has no cells, and made nothing
    select
        sold.business_date,
        'cm2_amount' as metric,
        case when profits.business_date is null and sold.gmv = 0 then 0 else profits.cm2_amount end
            as numerator,
        null as denominator,
        false as is_ratio
    from sold
    left join profits on sold.business_date = profits.business_date
    union all
    select
        business_date,
        'cost' as metric,
        cost as numerator,
        null as denominator,
        false as is_ratio
    from spends
    union all
    select
        business_date,
        'mer' as metric,
        gmv as numerator,
        cost as denominator,
        true as is_ratio
    from spends
    union all
    select
        business_date,
        'refund_amount_rate' as metric,
        refunded_amount as numerator,
        gmv as denominator,
        true as is_ratio
    from refunds
    union all
    select
        business_date,
        'shipped_48h_rate' as metric,
        shipped_48h_orders as numerator,
        due_48h_orders as denominator,
        true as is_ratio
    from parcels
),

parts as (
    select
        business_date,
        metric,
        cast(numerator as decimal(28, 6)) as numerator,
        cast(denominator as decimal(28, 6)) as denominator,
        is_ratio
    from figures_of_days
),

calendar as (
    select min(business_date) as first_date from {{ ref('int_calendar_days') }}
),

totals as (
    select * from {{ ref('int_gmv_totals') }}
    where dimension = 'all'
),

spans as (
    select
        *,
        'own' as span,
        period_start as span_start
    from periods
    {% for span in spans %}
        union all
        select
            *,
            '{{ span }}' as span,
            cast(date_trunc('{{ span }}', period_end) as date) as span_start
        from periods
    {% endfor %}
),

summed as (
    select
        spans.grain,
        spans.period_start,
        spans.span,
        parts.metric,
        case
            when bool_or(parts.is_ratio)
                then case
                    when count(parts.numerator) = count(*) and count(parts.denominator) = count(*)
                        then {{ ratio('sum(parts.numerator)', 'sum(parts.denominator)') }}
                end
            when
                count(parts.numerator)
                = {{ days_from('min(spans.span_start)', 'min(spans.period_end)') }} + 1
                then cast(sum(parts.numerator) as double)
        end as value
    from spans
    inner join calendar on spans.span_start >= calendar.first_date
    inner join parts on parts.business_date between spans.span_start and spans.period_end
    group by spans.grain, spans.period_start, spans.span, parts.metric
),

whole as (
    select
        grain,
        period_start,
        metric,
        {% for span in spans %}
            max(case when span = '{{ span }}' then value end) as {{ span }}_to_date_value,
        {% endfor %}
        max(case when span = 'own' then value end) as value
    from summed
    group by grain, period_start, metric
),

-- visitors of a part of the period are no figure of it
persons as (
    {% for metric in counted %}
        select
            periods.grain,
            periods.period_start,
            '{{ metric }}' as metric,
            {% if metric in ('visitors', 'conversion_rate') %}
                case
                    when totals.visitors_day_count = periods.day_count
                        then cast(totals.{{ metric }} as double)
                end as value
            {% else %}
                cast(totals.{{ metric }} as double) as value
            {% endif %}
        from periods
        inner join totals
            on periods.grain = totals.grain and periods.period_start = totals.period_start
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

figures as (
    select * from whole
    union all
    select
        grain,
        period_start,
        metric,
        {% for span in spans %}
            cast(null as double) as {{ span }}_to_date_value,
        {% endfor %}
        value
    from persons
),

planned as (
    select
        periods.grain,
        periods.period_start,
        targets.metric,
        case
            when count(*) < max(periods.day_count) then null
            when periods.grain = 'month' then max(targets.month_target)
            else sum(targets.target)
        end as target
    from periods
    inner join {{ ref('fct_targets_daily') }} as targets
        on targets.business_date between periods.period_start and periods.period_end
    where targets.dimension = 'all'
    group by periods.grain, periods.period_start, targets.metric
),

final as (
    select
        figures.grain,
        figures.period_start,
        periods.period_end,
        figures.metric,
        figures.value,
        previous.value as previous_value,
        year_before.value as year_before_value,
        planned.target,
        {{ ratio('figures.value', 'planned.target') }} as attainment_rate,
        figures.month_to_date_value,
        figures.quarter_to_date_value,
        figures.year_to_date_value
    from figures
    inner join periods
        on figures.grain = periods.grain and figures.period_start = periods.period_start
    left join figures as previous
        on
            figures.grain = previous.grain
            and figures.metric = previous.metric
            and periods.previous_start = previous.period_start
    left join figures as year_before
        on
            figures.grain = year_before.grain
            and figures.metric = year_before.metric
            and periods.year_before_start = year_before.period_start
    left join planned
        on
            figures.grain = planned.grain
            and figures.metric = planned.metric
            and figures.period_start = planned.period_start
)

select * from final
