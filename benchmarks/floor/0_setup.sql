create or replace macro local_date(instant) as
    cast(timezone('{timezone}', timezone('UTC', instant)) as date);
create or replace macro period_of(grain, day) as cast(date_trunc(grain, day) as date);

create or replace table shops as
select
    platform,
    shop_id,
    cast(row_number() over (order by platform, shop_id) as utinyint) as dense_shop,
    cast(dense_rank() over (order by platform) as utinyint) as dense_platform
from (
    select distinct platform, shop_id from read_parquet('{landing}/events/batch=*/data.parquet')
    union
    select distinct platform, shop_id from read_parquet('{landing}/orders/batch=*/data.parquet')
);

create or replace table channel_rules as
from read_csv('{seeds}/channel_map.csv', header = true, all_varchar = true, quote = '"');

-- the first rule that fits
create or replace macro channels_of(pairs) as table (
    select source, medium, arg_min(channel, cast(priority as integer)) as channel
    from query_table(pairs), channel_rules
    where
        regexp_full_match(lower(trim(coalesce(source, ''))), coalesce(source_pattern, ''))
        and regexp_full_match(lower(trim(coalesce(medium, ''))), coalesce(medium_pattern, ''))
    group by source, medium
);
