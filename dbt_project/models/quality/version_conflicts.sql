{% set feeds = [
    'orders', 'order_items', 'refunds', 'events', 'traffic_daily', 'campaign_spend',
    'platform_daily', 'products', 'fx_rates', 'campaigns', 'benchmarks'
] %}
with

orders as (
    select * from {{ ref('stg_raw__orders') }}
    where _is_tied
),

order_items as (
    select * from {{ ref('stg_raw__order_items') }}
    where _is_tied
),

refunds as (
    select * from {{ ref('stg_raw__refunds') }}
    where _is_tied
),

events as (
    select * from {{ ref('stg_raw__events') }}
    where _is_tied
),

traffic_daily as (
    select * from {{ ref('stg_raw__traffic_daily') }}
    where _is_tied
),

campaign_spend as (
    select * from {{ ref('stg_raw__campaign_spend') }}
    where _is_tied
),

products as (
    select * from {{ ref('stg_raw__products') }}
    where _is_tied
),

platform_daily as (
    select * from {{ ref('stg_raw__platform_daily') }}
    where _is_tied
),

fx_rates as (
    select * from {{ ref('stg_raw__fx_rates') }}
    where _is_tied
),

campaigns as (
    select * from {{ ref('stg_raw__campaigns') }}
    where _is_tied
),

benchmarks as (
    select * from {{ ref('stg_raw__benchmarks') }}
    where _is_tied
),

files as (
    select * from {{ source('raw', 'ingest_files') }}
),

tied as (
    {% for feed in feeds %}
        select
            '{{ feed }}' as feed,
            source,
            {{ 'event_id' if feed == 'events' else '_row_key' }} as _row_key,
            _batch_id
        from {{ feed }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

numbered as (
    select
        tied.*,
        files.source_file,
        row_number() over (
            partition by tied.feed, tied.source order by tied._row_key
        ) as row_number_of_source,
        row_number() over (
            partition by tied.feed, tied.source, tied._batch_id order by tied._row_key
        ) as row_number_of_batch
    from tied
    left join files on tied._batch_id = files.batch_id
),

final as (
    select
        feed,
        source,
        count(*) as rows,
        {{ joined_text(
            'case when row_number_of_source <= 5 then _row_key end', ', ', '_row_key'
        ) }} as examples,
        {{ joined_text(
            'case when row_number_of_batch = 1 then source_file end', ', ', 'source_file'
        ) }} as source_files
    from numbered
    group by feed, source
)

select * from final
