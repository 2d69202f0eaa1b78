{{ replace(
    rows='whole', day='first_date', order_by=['product_key', 'first_date'],
    affected={
        'int_stock_products': 'key', 'stg_raw__products': 'key', 'stg_raw__purchase_orders': 'key'
    }
) }}

with

lists as (
    select
        product_key,
        valid_from,
        cast(cost as decimal(18, 2)) as unit_cost,
        lag(valid_from) over (partition by product_key order by valid_from) is null as is_first,
        lead(valid_from) over (partition by product_key order by valid_from) as next_from
    from {{ ref('stg_raw__products') }}
),

-- what a product is first said to cost it cost from the begin of its stock
listed as (
    select
        products.product_key,
        case
            when lists.is_first then least(products.first_date, lists.valid_from)
            else lists.valid_from
        end as first_date,
        lists.next_from,
        lists.unit_cost
    from {{ ref('int_stock_products') }} as products
    inner join lists on products.shop_product_key = lists.product_key
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
        order by ordered_at desc, source asc, po_id desc, po_line desc
    ) = 1
),

bought_until as (
    select
        *,
        lead(first_date) over (partition by product_key order by first_date) as next_from
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
            and (changes.first_date < listed.next_from or listed.next_from is null)
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
            and (agreed.first_date < bought_until.next_from or bought_until.next_from is null)
)

select * from final
