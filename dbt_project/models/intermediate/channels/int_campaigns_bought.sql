with

spend as (
    select * from {{ ref('stg_raw__campaign_spend') }}
),

rules as (
    select * from {{ ref('spend_channels') }}
),

summed as (
    select
        campaign_key,
        min(spend_date) as first_date,
        max(spend_date) as last_date,
        sum(cost) as cost
    from spend
    group by campaign_key
),

-- a name may change: the latest counts
named as (
    select
        campaign_key,
        platform,
        source,
        account,
        campaign_id,
        campaign
    from spend
    qualify
        row_number() over (
            partition by campaign_key
            order by spend_date desc, campaign asc, _row_key asc
        ) = 1
),

final as (
    select
        named.*,
        summed.first_date,
        summed.last_date,
        summed.cost,
        rules.channel as ruled_channel
    from named
    inner join summed on named.campaign_key = summed.campaign_key
    left join rules
        on
            (
                lower(named.source) like rules.source_pattern
                or lower(named.account) like rules.source_pattern
            )
            and lower(named.campaign) like rules.campaign_pattern
            and rules.channel != 'other'
    qualify
        row_number() over (
            partition by named.campaign_key
            order by rules.priority
        ) = 1
)

select * from final
