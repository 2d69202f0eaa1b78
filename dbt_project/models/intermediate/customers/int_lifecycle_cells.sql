with

members as (
    select * from {{ ref('int_retention_members') }}
),

returns as (
    select * from {{ ref('int_retention_returns') }}
),

-- a member's days: the first, each later one with the gap before it, and the last once more
entries as (
    select
        kind,
        cohort_date as business_date,
        null as gap_days,
        1 as member_count,
        0 as last_count
    from members
    union all
    select
        kind,
        business_date,
        gap_days,
        1 as member_count,
        0 as last_count
    from returns
    union all
    select
        kind,
        last_date as business_date,
        null as gap_days,
        0 as member_count,
        1 as last_count
    from members
),

cells as (
    select
        kind,
        business_date,
        gap_days,
        cast(sum(member_count) as bigint) as member_count,
        cast(sum(last_count) as bigint) as last_count
    from entries
    group by kind, business_date, gap_days
),

gaps as (
    select
        kind,
        gap_days,
        sum(sum(member_count)) over (partition by kind order by gap_days) as gaps_up_to,
        sum(sum(member_count)) over (partition by kind) as gap_count
    from cells
    where gap_days is not null
    group by kind, gap_days
),

-- the shortest gap that nine of ten are not longer than
windows as (
    select
        kind,
        min(gap_days) as window_days
    from gaps
    where gaps_up_to * 10 >= gap_count * 9
    group by kind
),

final as (
    select
        cells.*,
        case
            when cells.kind = 'visit' then 30
            else cast(least(coalesce(windows.window_days, 365), 365) as integer)
        end as window_days
    from cells
    left join windows on cells.kind = windows.kind
)

select * from final
