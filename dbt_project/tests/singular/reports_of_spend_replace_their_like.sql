-- Two signs that a report of advertising does not speak of what another told. A newer one replaced
-- an older one of the same days of which it names no campaign and that cost something else: is it
-- of other campaigns? And one names the account, or the number of a campaign, where another names
-- none: do they tell the same money? A warning: `delivery: delta`, or the column in both, answers.
{{ config(severity='warn') }}

with

spend as (
    select * from {{ ref('stg_raw__campaign_spend') }}
),

delivered as (
    select
        source,
        spend_date,
        _unit_key,
        _row_key,
        cost,
        dense_rank() over (partition by source, _unit_key order by _version_at) as place
    from {{ source('raw', 'campaign_spend') }}
    where _is_active and _unit_key != _row_key
),

followed as (
    select
        *,
        lead(place) over (partition by source, _unit_key, _row_key order by place)
        = place + 1 as is_named_again
    from delivered
),

reports as (
    select
        source,
        spend_date,
        _unit_key,
        place,
        sum(cost) as cost,
        max(case when is_named_again then 1 else 0 end) as is_named_again
    from followed
    group by source, spend_date, _unit_key, place
)

select
    older.source,
    older.spend_date
from reports as older
inner join reports as newer
    on
        older.source = newer.source
        and older._unit_key = newer._unit_key
        and older.place + 1 = newer.place
where older.is_named_again = 0 and older.cost != newer.cost
union
select
    source,
    spend_date
from spend
group by source, spend_date, campaign
having count(account) between 1 and count(*) - 1
union
select
    source,
    spend_date
from spend
group by source, spend_date, account, campaign
having count(campaign_id) between 1 and count(*) - 1
