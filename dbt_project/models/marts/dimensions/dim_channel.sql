with labels as (
    select * from {{ ref('channel_labels') }}
),

cells as (
    select * from {{ ref('int_gmv_cells') }}
),

channels as (
    select channel from labels
    union
    select segment from cells
    where dimension = 'channel'
),

-- an export may name channels of its own; they are known by that name
final as (
    select
        channels.channel,
        coalesce(labels.label_en, channels.channel) as label_en,
        coalesce(labels.label_zh, channels.channel) as label_zh,
        coalesce(labels.is_paid, false) as is_paid
    from channels
    left join labels on channels.channel = labels.channel
)

select * from final
