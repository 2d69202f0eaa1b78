-- Every live session and every visitor of an experiment is in its mart once.
with

staged as (
    select
        'live sessions' as of_what,
        count(*) as row_count
    from {{ ref('stg_raw__live_sessions') }}
    union all
    select
        'visitors' as of_what,
        count(*) as row_count
    from (
        select distinct
            sources.platform,
            exposures.experiment,
            exposures.visitor_key
        from {{ ref('stg_raw__exposures') }} as exposures
        left join {{ ref('int_sources_placed') }} as sources on exposures.source = sources.source
    ) as visitors
),

marts as (
    select
        'live sessions' as of_what,
        count(*) as row_count
    from {{ ref('fct_live_sessions') }}
    union all
    select
        'visitors' as of_what,
        coalesce(sum(exposed), 0) as row_count
    from {{ ref('fct_experiment_arms_daily') }}
)

select
    staged.of_what,
    staged.row_count as staged_rows,
    marts.row_count as mart_rows
from staged
inner join marts on staged.of_what = marts.of_what
where staged.row_count <> marts.row_count
