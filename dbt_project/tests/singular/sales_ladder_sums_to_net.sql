-- On each day and basis the signed rungs sum to net, and paid and net are those of fct_gmv_daily;
-- over all days both bases have the same rungs.
with

ladder as (
    select * from {{ ref('fct_sales_ladder_daily') }}
),

summed as (
    select
        business_date,
        refund_basis,
        sum(amount) filter (where not is_subtotal) as rungs,
        sum(amount) filter (where not is_subtotal and rung_number < 6) as rungs_to_paid,
        sum(amount) filter (where rung = 'paid') as paid,
        sum(amount) filter (where rung = 'net') as net
    from ladder
    group by business_date, refund_basis
),

daily as (
    select * from {{ ref('fct_gmv_daily') }}
    where dimension = 'all'
),

lifetime as (
    select
        rung,
        sum(case when refund_basis = 'refund_date' then amount else -amount end) as difference
    from ladder
    group by rung
    -- where what was given back is not known of some days, the two bases know of other refunds
    having count(*) = count(amount)
),

final as (
    select cast(coalesce(summed.business_date, daily.business_date) as string) as what
    from summed
    full join daily on summed.business_date = daily.business_date
    where
        (
            (summed.rungs = summed.net or (summed.net is null and summed.rungs = summed.paid))
            and summed.rungs_to_paid = summed.paid
            and summed.paid = daily.gmv
            and summed.net is not distinct from case summed.refund_basis
                when 'refund_date' then daily.net_sales else daily.net_sales_by_order_date
            end
        ) is not true
        -- before the first order there is neither
        and coalesce(summed.net, daily.gmv, daily.net_sales) is not null
    union all
    select rung as what
    from lifetime
    where difference != 0 or (rung = 'paid_on_another_day' and (
        select sum(amount) from ladder
        where rung = 'paid_on_another_day'
    ) != 0)
)

select * from final
