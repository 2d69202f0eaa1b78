{{ replace(rows='version', order_by=['month']) }}

with

latest as (
    {{ latest_versions('budgets') }}
),

final as (
    select
        -- identifiers
        source,
        cast(date_trunc('month', month) as date) as month,
        platform,
        campaign,
        -- figures
        currency,
        budget_amount,
        -- delivery
        _row_key,
        _batch_id,
        _is_tied
    from latest
)

select * from final
