with arrived as (
    select
        *,
        case when feed = 'events' then 10.0 else 1.0 end as rows_at_once
    from {{ ref('int_completeness_days') }}
),

arrivals as (
    select * from {{ ref('int_completeness_arrivals') }}
),

promos as (
    select * from {{ ref('int_calendar_promos') }}
),

-- also where a sale goes before the holiday elsewhere: what is open or closed is the holiday's
holiday_days as (
    select
        platform,
        promo,
        promo_year,
        kind,
        start_date,
        {{ each_day('start_date', 'end_date') }} as holiday_date
    from promos
    where kind in ('holiday', 'closed')
),

special_days as (
    select
        platform,
        holiday_date,
        min(kind) as kind
    from holiday_days
    group by platform, holiday_date
),

-- A day without rows says how such a day is where rows came around it: the shop was closed, or one
-- delivery was lost. In a long silence it says nothing.
days as (
    select
        *,
        arrived_rows > 0
        or sum(case when arrived_rows > 0 then 1 else 0 end) over (
            partition by source, feed order by business_date
            rows between 7 preceding and 7 following
        ) >= 7 as is_known,
        sum(case when arrived_rows > 0 then 1 else 0 end) over (
            partition by source, feed order by business_date
        ) as days_with_rows
    from arrived
),

-- the same weekday of the eight weeks before
weekdays as (
    select
        days.source,
        days.feed,
        days.business_date,
        median(earlier.arrived_rows) as weekday_rows
    from days
    inner join days as earlier
        on
            days.source = earlier.source
            and days.feed = earlier.feed
            and earlier.is_known
            and earlier.business_date between days.business_date - 56 and days.business_date - 7
            and {{ days_from('earlier.business_date', 'days.business_date') }} % 7 = 0
    group by days.source, days.feed, days.business_date
),

-- what came on the same holiday a year before, and at least on the holidays of the year before
holidays as (
    select
        days.source,
        days.feed,
        days.business_date,
        min(
            case
                when
                    past.promo = holiday_days.promo
                    and past.promo_year = holiday_days.promo_year - 1
                    and {{ days_from('past.start_date', 'past.holiday_date') }}
                    = {{ days_from('holiday_days.start_date', 'holiday_days.holiday_date') }}
                    then earlier.arrived_rows
            end
        ) as last_year_rows,
        min(earlier.arrived_rows) as holiday_rows
    from days
    inner join holiday_days
        on days.platform = holiday_days.platform and days.business_date = holiday_days.holiday_date
    inner join holiday_days as past
        on
            holiday_days.platform = past.platform
            and past.holiday_date between holiday_days.holiday_date - 400
            and holiday_days.holiday_date - 1
    inner join days as earlier
        on
            days.source = earlier.source
            and days.feed = earlier.feed
            and past.holiday_date = earlier.business_date
            and earlier.is_known
    group by days.source, days.feed, days.business_date
),

-- which part of its rows each day before had in hours later than the last of a day
tails as (
    select
        days.source,
        days.feed,
        days.business_date,
        earlier.business_date as earlier_date,
        {{ ratio('coalesce(sum(arrivals.arrived_rows), 0)', 'max(earlier.arrived_rows)') }}
            as later_share
    from days
    inner join days as earlier
        on
            days.source = earlier.source
            and days.feed = earlier.feed
            and earlier.arrived_rows > 0
            and earlier.business_date between days.business_date - 56 and days.business_date - 1
    left join arrivals
        on
            earlier.source = arrivals.source
            and earlier.feed = arrivals.feed
            and earlier.business_date = arrivals.business_date
            and days.last_hour < arrivals.local_hour
    where days.is_intraday and days.last_hour < 22
    group by days.source, days.feed, days.business_date, earlier.business_date
),

-- as decimals: a mean of doubles depends on their order
later as (
    select
        source,
        feed,
        business_date,
        cast(
            avg(
                case
                    when earlier_date >= business_date - 28
                        then cast(later_share as decimal(18, 12))
                end
            ) as double
        ) as recent_share,
        cast(
            avg(
                case
                    when {{ days_from('earlier_date', 'business_date') }} % 7 = 0
                        then cast(later_share as decimal(18, 12))
                end
            ) as double
        ) as weekday_share
    from tails
    group by source, feed, business_date
),

usual_ends as (
    select
        days.source,
        days.feed,
        days.business_date,
        cast(floor(median(earlier.last_hour)) as integer) as expected_last_hour
    from days
    inner join days as earlier
        on
            days.source = earlier.source
            and days.feed = earlier.feed
            and earlier.business_date between days.business_date - 28
            and days.business_date - 1
    where days.is_intraday and earlier.arrived_rows > 0
    group by days.source, days.feed, days.business_date
),

expected as (
    select
        days.*,
        usual_ends.expected_last_hour,
        special_days.kind is not null or tomorrow.kind is not null as is_near_holiday,
        case
            when special_days.kind = 'closed' then 0
            else
                least(
                    weekdays.weekday_rows,
                    coalesce(holidays.last_year_rows, holidays.holiday_rows, weekdays.weekday_rows)
                )
        end as expected_rows,
        least(later.recent_share, later.weekday_share) as later_share
    from days
    left join weekdays
        on
            days.source = weekdays.source
            and days.feed = weekdays.feed
            and days.business_date = weekdays.business_date
    left join holidays
        on
            days.source = holidays.source
            and days.feed = holidays.feed
            and days.business_date = holidays.business_date
    left join usual_ends
        on
            days.source = usual_ends.source
            and days.feed = usual_ends.feed
            and days.business_date = usual_ends.business_date
    left join later
        on
            days.source = later.source
            and days.feed = later.feed
            and days.business_date = later.business_date
    left join special_days
        on days.platform = special_days.platform and days.business_date = special_days.holiday_date
    left join special_days as tomorrow
        on
            days.platform = tomorrow.platform
            and days.business_date + 1 = tomorrow.holiday_date
),

final as (
    select
        source,
        platform,
        shop_id,
        feed,
        is_expected_daily,
        is_intraday,
        is_total,
        is_file_missing,
        business_date,
        arrived_rows,
        rows_at_once,
        first_at,
        last_at,
        last_hour,
        last_purchase_hour,
        is_near_holiday,
        expected_rows,
        expected_last_hour,
        expected_rows * later_share as expected_later_rows,
        -- of the whole silence that a day without rows lies in; as decimals, see above
        case
            when arrived_rows = 0
                then
                    cast(
                        sum(
                            case
                                when arrived_rows = 0
                                    then
                                        cast(
                                            {{ ratio('expected_rows', 'rows_at_once') }}
                                            as decimal(18, 2)
                                        )
                            end
                        ) over (
                            partition by source, feed, days_with_rows
                        ) as double
                    )
        end as silent_rows
    from expected
)

select * from final
