with

cells as (
    select * from {{ ref('int_lifecycle_cells') }}
),

days as (
    select * from {{ ref('int_calendar_days') }}
),

-- gone on the first day after the window, also who came back later
flows as (
    select
        kind,
        business_date,
        'new' as stage,
        member_count
    from cells
    where gap_days is null
    union all
    select
        kind,
        business_date,
        'resurrected' as stage,
        member_count
    from cells
    where gap_days > window_days
    union all
    select
        kind,
        business_date - gap_days + window_days + 1 as business_date,
        'churned' as stage,
        member_count
    from cells
    where gap_days > window_days
    union all
    select
        kind,
        business_date + window_days + 1 as business_date,
        'churned' as stage,
        last_count as member_count
    from cells
),

kinds as (
    select
        kind,
        min(business_date) as first_date,
        max(window_days) as window_days
    from cells
    group by kind
),

daily as (
    select
        days.business_date,
        kinds.kind,
        kinds.window_days,
        coalesce(sum(case when flows.stage = 'new' then flows.member_count end), 0) as new_count,
        coalesce(sum(case when flows.stage = 'resurrected' then flows.member_count end), 0)
            as resurrected_count,
        coalesce(sum(case when flows.stage = 'churned' then flows.member_count end), 0)
            as churned_count
    from days
    inner join kinds on days.business_date >= kinds.first_date
    left join flows on days.business_date = flows.business_date and kinds.kind = flows.kind
    group by days.business_date, kinds.kind, kinds.window_days
),

-- still there from the day before
kept as (
    select
        *,
        coalesce(
            sum(new_count + resurrected_count - churned_count) over (
                partition by kind order by business_date
                rows between unbounded preceding and 1 preceding
            ), 0
        ) - churned_count as retained_count
    from daily
),

final as (
    {% for stage in ['new', 'retained', 'resurrected', 'churned'] %}
        select
            business_date,
            kind,
            '{{ stage }}' as stage,
            cast({{ stage }}_count as bigint) as member_count,
            window_days
        from kept
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from final
