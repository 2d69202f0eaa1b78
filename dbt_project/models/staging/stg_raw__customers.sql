{{ replace(rows='version', row_key='customer_key') }}

with

latest as (
    {{ latest_versions('customers') }}
),

final as (
    select
        source,
        customer_key,
        other_key,
        registered_at,
        member_tier,
        updated_at,
        -- delivery
        _batch_id
    from latest
)

select * from final
