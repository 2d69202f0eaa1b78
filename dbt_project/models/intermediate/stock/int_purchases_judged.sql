with

span as (
    select max(business_date) as last_date from {{ ref('int_calendar_days') }}
),

lines as (
    select
        *,
        {{ local_date('ordered_at') }} as ordered_date,
        {{ local_date('promised_at') }} as promised_date,
        {{ local_date('received_at') }} as received_date,
        cast(date_trunc('month', {{ local_date('promised_at') }}) as date) as period_start
    from {{ ref('stg_raw__purchase_orders') }}
),

months as (
    select distinct period_start from lines
),

-- what a piece cost in the year before a month, of whatever supplier
earlier as (
    select
        months.period_start,
        lines.product_key,
        {{ ratio('sum(lines.unit_cost * lines.ordered_quantity)', 'sum(lines.ordered_quantity)') }}
            as usual_cost
    from months
    inner join lines
        on
            months.period_start > lines.ordered_date
            and lines.ordered_date >= months.period_start - 365
    group by months.period_start, lines.product_key
),

final as (
    select
        lines.source,
        lines.po_id,
        lines.po_line,
        lines.supplier_id,
        lines.product_key,
        lines.period_start,
        lines.ordered_date,
        lines.received_date,
        lines.ordered_quantity,
        lines.received_quantity,
        lines.rejected_quantity,
        lines.unit_cost,
        case
            when lines.received_date is not null then lines.received_date <= lines.promised_date
            when lines.promised_date <= span.last_date then false
        end as is_on_time,
        {{ days_from('lines.ordered_date', 'lines.received_date') }} as lead_days,
        cast(earlier.usual_cost as decimal(38, 12)) as usual_cost
    from lines
    cross join span
    left join earlier
        on lines.product_key = earlier.product_key and lines.period_start = earlier.period_start
    where lines.period_start <= span.last_date
)

select * from final
