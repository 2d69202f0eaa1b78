with

-- before the first order nothing is known of sales, nor on a day that all who sell have lost
days as (
    select
        period_start as business_date,
        bool_or(is_sales_known) as is_sales_known,
        bool_or(is_sales_known)
        and bool_and(is_refunds_known or not is_sales_known) as is_refunds_known
    from {{ ref('int_gmv_known') }}
    where grain = 'day' and has_sold
    group by period_start
),

entries as (
    select * from {{ ref('int_sales_entries') }}
),

bases (refund_basis) as (
    values ('refund_date'), ('order_date')
),

-- a subtotal is the sum of the rungs above it
rungs (rung_number, rung, is_subtotal) as (
    values
    (1, 'placed', false),
    (2, 'unpaid_closed', false),
    (3, 'awaiting_payment', false),
    (4, 'deposit_pending', false),
    (5, 'paid_on_another_day', false),
    (6, 'paid', true),
    (7, 'refunded_before_shipping', false),
    (8, 'refunded_after_shipping', false),
    (9, 'returned', false),
    (10, 'net', true)
),

summed as (
    select
        entries.business_date,
        bases.refund_basis,
        entries.rung,
        min(entries.shipping_basis) as first_basis,
        max(entries.shipping_basis) as last_basis,
        sum(entries.amount) as amount,
        sum(entries.other_amount) as other_amount
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
        -- what was given back is known where all platforms that are known to sell tell it
        case
            when days.is_refunds_known or days.is_sales_known and rungs.rung_number <= 6
                then cast(coalesce(sum(summed.amount), 0) as decimal(18, 2))
        end as amount,
        case
            when days.is_refunds_known or days.is_sales_known and rungs.rung_number <= 6
                then cast(coalesce(sum(summed.other_amount), 0) as decimal(18, 2))
        end as other_amount,
        case
            when rungs.is_subtotal then null
            when min(summed.first_basis) != max(summed.last_basis) then 'both'
            else min(summed.first_basis)
        end as shipping_basis
    from days
    cross join bases
    cross join rungs
    left join rungs as parts
        on
            rungs.rung = parts.rung and not rungs.is_subtotal
            or rungs.is_subtotal and not parts.is_subtotal
            and rungs.rung_number > parts.rung_number
    left join summed
        on
            days.business_date = summed.business_date
            and bases.refund_basis = summed.refund_basis
            and parts.rung = summed.rung
    group by
        days.business_date, days.is_sales_known, days.is_refunds_known, bases.refund_basis,
        rungs.rung_number, rungs.rung, rungs.is_subtotal
)

select * from final
