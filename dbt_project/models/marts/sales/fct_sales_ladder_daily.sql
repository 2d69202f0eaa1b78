with

days as (
    select * from {{ ref('int_calendar_days') }}
),

orders as (
    select
        *,
        {{ join_key(['source', 'order_id']) }} as order_key
    from {{ ref('int_orders_attributed') }}
),

refunds as (
    select * from {{ ref('stg_raw__refunds') }}
    where is_succeeded
),

staged_orders as (
    select * from {{ ref('stg_raw__orders') }}
),

bases as (
    {{ listed(['refund_basis'], [["'refund_date'"], ["'order_date'"]]) }}
),

rungs as (
    {{ listed_rungs() }}
),

refunded as (
    select
        refunds.refund_date,
        orders.business_date as paid_date,
        {{ refund_rung('refunds.kind', 'staged_orders.status') }} as rung,
        -refunds.amount as amount
    from refunds
    inner join staged_orders on refunds.order_key = staged_orders.order_key
    inner join orders on staged_orders.main_order_key = orders.order_key
    where orders.is_paid
),

-- rows without a basis stand in both
entries as (
    select
        order_date as business_date,
        null as refund_basis,
        'placed' as rung,
        placed_amount as amount
    from orders
    union all
    select
        order_date as business_date,
        null as refund_basis,
        {{ unpaid_rung('status') }} as rung,
        paid_amount - placed_amount as amount
    from orders
    union all
    -- leaves the day on which it was ordered, enters that on which it was paid
    select
        order_date as business_date,
        null as refund_basis,
        'paid_on_another_day' as rung,
        -paid_amount as amount
    from orders
    where business_date != order_date
    union all
    select
        business_date,
        null as refund_basis,
        'paid_on_another_day' as rung,
        paid_amount as amount
    from orders
    where business_date != order_date
    union all
    select
        refund_date as business_date,
        'refund_date' as refund_basis,
        rung,
        amount
    from refunded
    union all
    select
        paid_date as business_date,
        'order_date' as refund_basis,
        rung,
        amount
    from refunded
),

summed as (
    select
        entries.business_date,
        bases.refund_basis,
        entries.rung,
        sum(entries.amount) as amount
    from entries
    inner join bases on coalesce(entries.refund_basis, bases.refund_basis) = bases.refund_basis
    group by entries.business_date, bases.refund_basis, entries.rung
),

final as (
    select
        days.business_date,
        bases.refund_basis,
        rungs.rung_number,
        rungs.rung,
        rungs.is_subtotal,
        cast(coalesce(sum(summed.amount), 0) as decimal(18, 2)) as amount
    from days
    cross join bases
    cross join rungs
    left join summed
        on
            days.business_date = summed.business_date
            and bases.refund_basis = summed.refund_basis
            and rungs.summed_rung = summed.rung
    group by
        days.business_date, bases.refund_basis, rungs.rung_number, rungs.rung, rungs.is_subtotal
)

select * from final
