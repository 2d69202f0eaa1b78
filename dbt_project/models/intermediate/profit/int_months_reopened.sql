with

reopenings as (
    select * from {{ source('raw', 'reopened_months') }}
),

final as (
    select
        month_start,
        platform,
        {{ local_date('reopened_at') }} as reopened_date,
        reason as reopening_reason,
        gmv as reopened_gmv,
        cast(gmv - closed_refunded_amount as decimal(18, 2)) as reopened_net_amount
    from reopenings
    qualify row_number() over (
        partition by month_start, platform order by reopening_number desc
    ) = 1
)

select * from final
