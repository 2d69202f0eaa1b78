{{ replace(
    rows='whole', day='first_date', order_by=['product_key', 'first_date'],
    affected={
        'int_stock_products': 'key', 'dim_product_history': 'key', 'stg_raw__purchase_orders': 'key'
    }
) }}

with

-- what a product is first said to cost it cost from the begin of its stock
listed as (
    select
        products.product_key,
        descriptions.product_key as listing_key,
        case
            when descriptions.is_first then least(products.first_date, descriptions.valid_from)
            else descriptions.valid_from
        end as first_date,
        descriptions.valid_to,
        descriptions.unit_cost
    from {{ ref('int_stock_products') }} as products
    inner join {{ ref('dim_product_history') }} as descriptions
        on products.shop_product_key = descriptions.product_key
    where products.first_date is not null
),

bought as (
    select
        product_key,
        {{ local_date('ordered_at') }} as first_date,
        unit_cost
    from {{ ref('stg_raw__purchase_orders') }}
    qualify row_number() over (
        partition by product_key, {{ local_date('ordered_at') }}
        order by ordered_at desc, po_id desc, po_line desc
    ) = 1
),

bought_until as (
    select
        *,
        lead(first_date) over (partition by product_key order by first_date) - 1 as valid_to
    from bought
),

changes as (
    select
        product_key,
        first_date
    from listed
    union
    select
        product_key,
        first_date
    from bought
),

-- product lists that differ do not tell the cost
agreed as (
    select
        changes.product_key,
        changes.first_date,
        case when min(listed.unit_cost) = max(listed.unit_cost) then max(listed.unit_cost) end
            as unit_cost
    from changes
    left join listed
        on
            changes.product_key = listed.product_key
            and changes.first_date >= listed.first_date
            and (changes.first_date <= listed.valid_to or listed.valid_to is null)
    group by changes.product_key, changes.first_date
),

final as (
    select
        agreed.product_key,
        agreed.first_date,
        coalesce(agreed.unit_cost, bought_until.unit_cost) as unit_cost
    from agreed
    left join bought_until
        on
            agreed.product_key = bought_until.product_key
            and agreed.first_date >= bought_until.first_date
            and (agreed.first_date <= bought_until.valid_to or bought_until.valid_to is null)
)

select * from final
