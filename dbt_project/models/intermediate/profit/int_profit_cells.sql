{% set required = [
    'platform_fee', 'payment_fee', 'creator_commission', 'freight', 'freight_insurance'
] %}
{% set optional = ['agency_fee', 'packaging', 'tax'] %}
with

entries as (
    select * from {{ ref('int_profit_entries') }}
),

advertising as (
    select * from {{ ref('int_advertising_shared') }}
),

-- a platform tells a kind of cost that it has ever told, from its first to its last booked cost
told as (
    select
        platform,
        {% for kind in required + optional %}
            max(case when measure = '{{ kind }}' then 1 else 0 end) as tells_{{ kind }},
        {% endfor %}
        min(business_date) as first_date,
        max(business_date) as last_date
    from entries
    where measure not in ('gmv', 'borne', 'refunds', 'goods_cost')
    group by platform
),

advertised as (
    select
        platform,
        min(business_date) as first_date,
        max(business_date) as last_date
    from advertising
    group by platform
),

cells as (
    select
        business_date,
        platform,
        shop_id,
        category,
        {% for measure in ['gmv', 'borne', 'refunds', 'goods_cost'] + required + optional %}
            case
                when
                    count(case when measure = '{{ measure }}' then 1 end)
                    = count(case when measure = '{{ measure }}' then amount end)
                    then coalesce(sum(case when measure = '{{ measure }}' then amount end), 0)
            end as {{ measure }}_amount,
        {% endfor %}
        sum(case when is_estimated then amount else 0 end) as estimated_goods_cost_amount
    from entries
    group by business_date, platform, shop_id, category
),

present as (
    select
        business_date,
        platform,
        shop_id,
        category
    from cells
    union
    select
        business_date,
        platform,
        shop_id,
        category
    from advertising
),

final as (
    select
        present.*,
        {% for measure in ['gmv', 'borne', 'refunds', 'goods_cost', 'estimated_goods_cost'] %}
            case when cells.category is null then 0 else cells.{{ measure }}_amount end
                as {{ measure }}_amount,
        {% endfor %}
        {% for kind in required + optional %}
            case
                when
                    told.tells_{{ kind }} = 1
                    and present.business_date between told.first_date and told.last_date
                    then case when cells.category is null then 0 else cells.{{ kind }}_amount end
            end as {{ kind }}_amount,
        {% endfor %}
        case
            when present.business_date between advertised.first_date and advertised.last_date
                then coalesce(advertising.advertising_amount, 0)
        end as advertising_amount
    from present
    left join cells
        on
            present.business_date = cells.business_date
            and present.platform = cells.platform
            and present.shop_id = cells.shop_id
            and present.category = cells.category
    left join advertising
        on
            present.business_date = advertising.business_date
            and present.platform = advertising.platform
            and present.shop_id = advertising.shop_id
            and present.category = advertising.category
    left join told on present.platform = told.platform
    left join advertised on present.platform = advertised.platform
)

select * from final
