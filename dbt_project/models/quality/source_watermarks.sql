with completeness as (
    select * from {{ ref('source_completeness_daily') }}
),

sources as (
    select * from {{ source('raw', 'sources') }}
),

batches as (
    select * from {{ source('raw', 'batches') }}
    where is_active
),

files as (
    select * from {{ source('raw', 'ingest_files') }}
),

ends as (
    select
        source,
        feed,
        max(business_date) as last_date,
        max(case when arrived_rows > 0 then business_date end) as last_row_date
    from completeness
    group by source, feed
),

-- a gap that nobody filled for four weeks has been given up and holds nobody back
gaps as (
    select
        completeness.source,
        completeness.feed,
        min(completeness.business_date) as gap_date,
        min_by(completeness.reason, completeness.business_date) as reason
    from completeness
    inner join ends
        on completeness.source = ends.source and completeness.feed = ends.feed
    where not completeness.is_complete and completeness.business_date > ends.last_date - 28
    group by completeness.source, completeness.feed
),

before_gap as (
    select
        completeness.source,
        completeness.feed,
        max(completeness.business_date) as last_date
    from completeness
    inner join gaps
        on completeness.source = gaps.source and completeness.feed = gaps.feed
    where
        completeness.is_complete
        and (completeness.arrived_rows > 0 or completeness.reason = 'ok')
        and completeness.business_date < gaps.gap_date
    group by completeness.source, completeness.feed
),

arrivals as (
    select
        batches.source,
        batches.feed,
        max(files.landed_at) as last_arrived_at,
        max_by(files.source_file, files.landed_at) as last_file
    from batches
    inner join files on batches.batch_id = files.batch_id
    group by batches.source, batches.feed
),

feeds as (
    select
        sources.source,
        sources.feed,
        sources.platform,
        sources.shop_id,
        sources.is_expected_daily or gaps.gap_date is not null as is_judged,
        case
            when gaps.gap_date is not null then before_gap.last_date
            when not sources.is_expected_daily then null
            when ends.last_row_date > ends.last_date - 28 then ends.last_date
            else ends.last_row_date
        end as complete_until_date,
        arrivals.last_arrived_at,
        arrivals.last_file,
        coalesce(sources.expected_until, ends.last_date) as expected_until,
        case
            when gaps.gap_date is not null then gaps.reason
            when not sources.is_expected_daily then 'not_daily'
            when ends.last_row_date is null then 'no_rows'
            when ends.last_row_date > ends.last_date - 28 then 'ok'
            else 'silent'
        end as reason
    from sources
    left join ends on sources.source = ends.source and sources.feed = ends.feed
    left join gaps on sources.source = gaps.source and sources.feed = gaps.feed
    left join before_gap on sources.source = before_gap.source and sources.feed = before_gap.feed
    left join arrivals on sources.source = arrivals.source and sources.feed = arrivals.feed
),

-- a source has come as far as the feed of it that lags most; one that never came lags without end
slowest as (
    select *
    from feeds
    qualify
        row_number() over (
            partition by source
            order by is_judged desc, complete_until_date asc nulls first, feed asc
        ) = 1
),

newest as (
    select
        source,
        max(last_arrived_at) as last_arrived_at,
        max_by(last_file, last_arrived_at) as last_file
    from arrivals
    group by source
),

stated as (
    select * from feeds
    union all
    select
        slowest.source,
        'all' as feed,
        slowest.platform,
        slowest.shop_id,
        slowest.is_judged,
        slowest.complete_until_date,
        newest.last_arrived_at,
        newest.last_file,
        slowest.expected_until,
        slowest.reason
    from slowest
    left join newest on slowest.source = newest.source
),

final as (
    select
        source,
        feed,
        platform,
        shop_id,
        complete_until_date,
        last_arrived_at,
        last_file,
        case
            when complete_until_date < expected_until
                then {{ days_from('complete_until_date', 'expected_until') }}
            when complete_until_date is not null then 0
        end as lag_days,
        reason
    from stated
)

select * from final
