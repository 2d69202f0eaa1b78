with

sales as (
    select
        business_date,
        platform,
        shop_id,
        category,
        sum(amount) as gmv_amount
    from {{ ref('int_profit_entries') }}
    where measure = 'gmv'
    group by business_date, platform, shop_id, category
    having count(*) = count(amount)
),

spend as (
    select
        spend_date as business_date,
        platform,
        shop_id,
        sum(cost) as cost
    from {{ ref('stg_raw__campaign_spend') }}
    group by spend_date, platform, shop_id
),

-- advertising is of a shop, or of all shops of a platform: shared over categories by their sales
weighed as (
    select
        spend.business_date,
        spend.platform,
        coalesce(sales.shop_id, spend.shop_id, '(unknown)') as shop_id,
        coalesce(sales.category, '(unallocated)') as category,
        {{ cents('spend.cost') }} as cost_cents,
        coalesce({{ cents('sales.gmv_amount') }}, 0) as value_cents,
        {{ join_key([
            'cast(spend.business_date as string)', 'spend.platform',
            "coalesce(spend.shop_id, '')"
        ]) }} as order_key,
        coalesce(sales.shop_id, '') || '|' || coalesce(sales.category, '') as line_number
    from spend
    left join sales
        on
            spend.business_date = sales.business_date
            and spend.platform = sales.platform
            and coalesce(spend.shop_id, sales.shop_id) = sales.shop_id
            and sales.gmv_amount > 0
),

placed as (
    select
        *,
        sum(value_cents) over (partition by order_key) as value_total_cents,
        row_number() over (partition by order_key order by line_number) as position
    from weighed
),

shared as (
    {{ share_out('placed', 'cost_cents', 'share_cents') }}
),

final as (
    select
        business_date,
        platform,
        shop_id,
        category,
        sum({{ from_cents('share_cents') }}) as advertising_amount
    from shared
    group by business_date, platform, shop_id, category
)

select * from final
