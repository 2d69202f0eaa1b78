{{ replace(
    rows='day', day='business_date', order_by=['business_date'],
    affected={'int_stock_moves': [0, 0]}, suffix=['int_stock_moves']
) }}
{% set held_day = day_before_affected() %}

with

moves as (
    select * from {{ ref('int_stock_moves') }}
    where {{ only_affected_days('business_date') }}
),

-- what the books go on from: a count, or what a build of some days holds of the day before them
marked as (
    select
        product_key,
        warehouse,
        business_date,
        on_hand,
        net_units,
        is_moves_known,
        on_hand as start_units,
        case when on_hand is null then net_units else 0 end as moved_units,
        case when on_hand is null and not is_moves_known then 1 else 0 end as lost_days,
        case
            when sold > 0 then business_date
            when business_date = first_date then first_date
        end as stirred_date
    from moves
    {% if held_day %}
        union all
        select
            product_key,
            warehouse,
            business_date,
            on_hand,
            0 as net_units,
            is_moves_known,
            book_units as start_units,
            0 as moved_units,
            unknown_days as lost_days,
            idle_since_date as stirred_date
        from {{ this }}
        where business_date = {{ held_day }}
    {% endif %}
),

numbered as (
    select
        *,
        lag(on_hand) over so_far as opening,
        max(stirred_date) over so_far as idle_since_date,
        count(start_units) over so_far as counts
    from marked
    window so_far as (partition by product_key, warehouse order by business_date)
),

booked as (
    select
        *,
        max(start_units) over since_count + sum(moved_units) over since_count as book_units,
        sum(lost_days) over since_count as unknown_days
    from numbered
    window since_count as (partition by product_key, warehouse, counts order by business_date)
),

-- stock is held against the last count before it and all that moved in between
compared as (
    select
        *,
        case
            when is_moves_known and lag(unknown_days) over so_far = 0
                then on_hand - lag(book_units) over so_far - net_units
        end as unexplained_units
    from booked
    window so_far as (partition by product_key, warehouse order by business_date)
),

final as (
    select
        moves.source,
        moves.product_id,
        moves.product_key,
        moves.warehouse,
        moves.business_date,
        compared.opening,
        moves.on_hand,
        moves.in_transit,
        moves.reserved,
        moves.is_moves_known,
        moves.received,
        moves.sold,
        moves.returned,
        moves.adjusted,
        cast(compared.book_units as bigint) as book_units,
        cast(compared.unknown_days as bigint) as unknown_days,
        cast(compared.unexplained_units as bigint) as unexplained_units,
        compared.idle_since_date
    from moves
    inner join compared
        on
            moves.product_key = compared.product_key
            and moves.warehouse = compared.warehouse
            and moves.business_date = compared.business_date
)

select * from final
