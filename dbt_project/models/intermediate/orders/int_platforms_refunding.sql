with sources as (
    select * from {{ source('raw', 'sources') }}
    where feed = 'refunds'
),

final as (
    select distinct platform
    from sources
)

select * from final
