with expectations as (
    select * from {{ ref('int_completeness_expectations') }}
),

-- what the events of the shop say about a day on which its orders stop or are missing
shop_events as (
    select
        business_date,
        platform,
        shop_id,
        max(last_hour) as last_hour,
        max(last_purchase_hour) as last_purchase_hour
    from expectations
    where feed = 'events'
    group by business_date, platform, shop_id
),

shop_orders as (
    select
        business_date,
        platform,
        shop_id,
        sum(expected_rows) as expected_rows,
        sum(arrived_rows) as arrived_rows
    from expectations
    where feed = 'orders'
    group by business_date, platform, shop_id
),

judged as (
    select
        expectations.*,
        -- a silence of fewer rows may well be an ordinary day, or a few of them
        case
            when expectations.is_total then coalesce(expectations.expected_rows, 0) >= 1
            when expectations.arrived_rows > 0 then coalesce(expectations.expected_rows, 0) >= 5
            else
                coalesce(expectations.expected_rows, 0) > 0
                and coalesce(expectations.silent_rows, 0) >= {{ silent_rows() }}
        end as is_expected,
        -- visitors came until the end of the day and bought nothing more: the shop, not the file
        coalesce(
            shop_events.last_hour >= 22
            and (
                shop_events.last_purchase_hour is null
                or shop_events.last_purchase_hour <= expectations.last_hour + 1
            ),
            false
        ) and expectations.feed in ('orders', 'order_items') as is_explained_by_events,
        {{ breaks_off('expectations') }} as is_cut_off,
        coalesce(
            expectations.feed = 'events'
            and expectations.arrived_rows < 0.6 * expectations.expected_rows
            and shop_orders.expected_rows >= 3
            and shop_orders.arrived_rows >= 0.5 * shop_orders.expected_rows
            -- so many orders would be a surprise if visitors had fallen as their events say
            and {{ surprise(
                'shop_orders.arrived_rows',
                'greatest(' ~ ratio(
                    'shop_orders.expected_rows * expectations.arrived_rows',
                    'expectations.expected_rows'
                ) ~ ', 0.05)'
            ) }} >= {{ sure_tracking_loss('expectations') }},
            false
        ) as is_tracking_lost
    from expectations
    left join shop_events
        on
            expectations.business_date = shop_events.business_date
            and expectations.platform = shop_events.platform
            and expectations.shop_id = shop_events.shop_id
    left join shop_orders
        on
            expectations.business_date = shop_orders.business_date
            and expectations.platform = shop_orders.platform
            and expectations.shop_id = shop_orders.shop_id
    where expectations.is_expected_daily or expectations.is_file_missing
),

final as (
    select
        business_date,
        source,
        feed,
        platform,
        shop_id,
        cast(expected_rows as double) as expected_rows,
        cast(arrived_rows as bigint) as arrived_rows,
        first_at,
        last_at,
        expected_last_hour,
        case
            when is_file_missing then 'file_missing'
            when not is_expected then 'not_expected'
            when arrived_rows = 0 and not is_explained_by_events then 'no_rows'
            when is_cut_off and not is_explained_by_events then 'stops_early'
            when is_tracking_lost then 'few_rows'
            else 'ok'
        end as reason,
        reason in ('ok', 'not_expected') as is_complete
    from judged
)

select * from final
