{{ config(materialized='view') }}

with

sources as (
    select * from {{ source('raw', 'sources') }}
),

final as (
    select
        source,
        min(platform) as platform
    from sources
    group by source
)

select * from final
