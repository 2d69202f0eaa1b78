with

bought as (
    select * from {{ ref('int_campaigns_bought') }}
),

visited as (
    select * from {{ ref('int_campaigns_visited') }}
),

channels_came as (
    select
        campaign_key,
        channel,
        max(case when is_own then 1 else 0 end) as is_own,
        max(case when is_anothers then 1 else 0 end) as is_anothers,
        sum(session_count) as session_count
    from visited
    where campaign_key is not null and (ruled_channel is null or not is_anothers)
    group by campaign_key, channel
),

-- the channel of its own account where visits came by it, else where most of them came from
decided as (
    select
        campaign_key,
        channel,
        is_own,
        is_anothers,
        count(*) over (partition by campaign_key) as channel_count
    from channels_came
    qualify
        row_number() over (
            partition by campaign_key
            order by is_own desc, is_anothers asc, session_count desc, channel asc
        ) = 1
),

-- visits of a name that several campaigns share are those of the only one of their channel
taken as (
    select
        visited.*,
        decided.channel = visited.channel as is_decided,
        count(*) over (
            partition by visited.platform, visited.campaign, visited.channel
        ) as taker_count
    from visited
    inner join decided on visited.campaign_key = decided.campaign_key
    where visited.campaign_count = 1 or visited.channel = decided.channel
),

brought as (
    select
        campaign_key,
        max(case when is_decided then taker_count else 1 end) as taker_count,
        sum(case when taker_count = 1 then session_count end) as session_count,
        min(case when taker_count = 1 then first_date end) as first_date,
        max(case when taker_count = 1 then last_date end) as last_date
    from taken
    group by campaign_key
),

-- visits that nobody, or one of several, paid for
others as (
    select
        platform,
        campaign,
        channel,
        max(session_count) as session_count,
        min(first_date) as first_date,
        max(last_date) as last_date
    from visited
    where
        {{ join_key(['platform', 'campaign', 'channel']) }} not in (
            select {{ join_key(['platform', 'campaign', 'channel']) }} from taken
            where taker_count = 1
        )
    group by platform, campaign, channel
),

final as (
    select
        bought.campaign_key,
        bought.platform,
        bought.campaign,
        coalesce(decided.channel, bought.ruled_channel, 'other') as channel,
        case
            when decided.is_own = 1 then 'account and visits'
            when
                brought.taker_count > 1
                and (decided.channel_count > 1 or decided.is_anothers = 1) then 'unclear'
            when decided.channel is not null then 'visits'
            when bought.ruled_channel is not null then 'account'
            else 'unknown'
        end as channel_reason,
        bought.source,
        bought.account,
        bought.campaign_id,
        least(bought.first_date, brought.first_date) as first_date,
        greatest(bought.last_date, brought.last_date) as last_date,
        case
            when coalesce(brought.taker_count, 1) = 1 then coalesce(brought.session_count, 0)
        end as session_count,
        bought.cost
    from bought
    left join decided on bought.campaign_key = decided.campaign_key
    left join brought on bought.campaign_key = brought.campaign_key
    union all
    select
        null as campaign_key,
        platform,
        campaign,
        channel,
        'visits' as channel_reason,
        null as source,
        null as account,
        null as campaign_id,
        min(first_date) over (partition by platform, campaign) as first_date,
        max(last_date) over (partition by platform, campaign) as last_date,
        sum(session_count) over (partition by platform, campaign) as session_count,
        0 as cost
    from others
    qualify
        row_number() over (
            partition by platform, campaign
            order by others.session_count desc, channel asc
        ) = 1
)

select * from final
