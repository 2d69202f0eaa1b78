with

headcounts as (
    select
        date_trunc('month', month) as month_start,
        sum(headcount) as headcount
    from {{ ref('stg_raw__headcount') }}
    group by date_trunc('month', month)
),

-- of two sources that estimate the same the later one counts
market as (
    select
        date_trunc('month', period_start) as month_start,
        case when category is null then 'all' else 'category' end as dimension,
        coalesce(category, 'all') as segment,
        metric,
        value
    from {{ ref('stg_raw__market_size') }}
    qualify
        row_number() over (
            partition by period_start, metric, category
            order by _version_at desc, source asc, _batch_id asc
        ) = 1
),

markets as (
    select
        month_start,
        dimension,
        segment,
        max(case when metric = 'gmv' then value end) as market_gmv,
        max(case when metric = 'buyers' then value end) as market_buyers
    from market
    group by month_start, dimension, segment
),

monthly as (
    select * from {{ ref('int_gmv_totals') }}
    where grain = 'month' and dimension = 'all'
),

periods as (
    select distinct
        period_start,
        is_complete
    from {{ ref('int_calendar_periods') }}
    where grain = 'month'
),

categories as (
    select
        date_trunc('month', business_date) as month_start,
        category,
        sum(gmv) as gmv
    from {{ ref('fct_profit_daily') }}
    group by date_trunc('month', business_date), category
),

-- spend and sales of the days and platforms of which both are known
known as (
    select
        business_date,
        platform,
        sum(gmv) as gmv,
        sum(cost) as cost
    from {{ ref('fct_channel_daily') }}
    where is_additive
    group by business_date, platform
    having sum(gmv) is not null and sum(cost) is not null
),

platforms as (
    select
        date_trunc('month', business_date) as month_start,
        platform,
        sum(gmv) as gmv,
        sum(cost) as cost
    from known
    group by date_trunc('month', business_date), platform
),

advertised as (
    select
        month_start,
        sum(gmv) as gmv,
        sum(cost) as cost,
        {{ joined_text('platform', ', ', 'platform') }} as mer_platforms
    from platforms
    group by month_start
),

own as (
    select
        period_start as month_start,
        'all' as dimension,
        'all' as segment,
        gmv,
        buyers
    from monthly
    union all
    select
        month_start,
        'category' as dimension,
        category as segment,
        gmv,
        null as buyers
    from categories
    where category != '(unallocated)'
),

final as (
    select
        cast(own.month_start as date) as month_start,
        own.dimension,
        own.segment,
        periods.is_complete,
        cast(own.gmv as decimal(18, 2)) as gmv,
        cast(own.buyers as bigint) as buyers,
        cast(headcounts.headcount as double) as headcount,
        {{ ratio('own.gmv', 'headcounts.headcount') }} as gmv_per_head,
        cast(markets.market_gmv as double) as market_gmv,
        cast(markets.market_buyers as double) as market_buyers,
        {{ ratio('own.gmv', 'markets.market_gmv') }} as market_penetration_rate,
        {{ ratio('own.buyers', 'markets.market_buyers') }} as buyer_penetration_rate,
        cast(advertised.cost as decimal(18, 2)) as cost,
        cast(advertised.gmv as decimal(18, 2)) as mer_gmv_amount,
        {{ ratio('advertised.gmv', 'advertised.cost') }} as mer,
        advertised.mer_platforms
    from own
    inner join periods on own.month_start = periods.period_start
    -- people and advertising are the whole company's
    left join headcounts on own.month_start = headcounts.month_start and own.dimension = 'all'
    left join advertised on own.month_start = advertised.month_start and own.dimension = 'all'
    left join markets
        on
            own.month_start = markets.month_start
            and own.dimension = markets.dimension
            and own.segment = markets.segment
)

select * from final
