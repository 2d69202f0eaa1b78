{{ replace(rows='version', day='spend_date', order_by=['spend_date']) }}

with

latest as (
    {{ latest_versions('campaign_spend') }}
),

final as (
    select
        -- identifiers
        source,
        spend_date,
        platform,
        shop_id,
        account,
        campaign_id,
        campaign,
        {{ join_key([
            'source', 'platform', "coalesce(account, '')", 'coalesce(campaign_id, campaign)'
        ]) }} as campaign_key,
        ad,
        ad_product,
        cost_kind,
        -- figures
        cost,
        currency,
        impressions,
        clicks,
        claimed_conversions,
        claimed_value,
        -- delivery
        _row_key,
        _batch_id,
        _is_tied
    from latest
)

select * from final
