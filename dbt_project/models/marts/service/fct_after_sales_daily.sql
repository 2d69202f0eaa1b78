with

told as (
    select * from {{ ref('int_after_sales_told') }}
),

refunding as (
    select * from {{ ref('int_platforms_refunding') }}
),

ladder as (
    select * from {{ ref('int_refunds_laddered') }}
),

-- a feed of service tells from its first to its last day
spans as (
    select
        platform,
        max(case when kind in ('order', 'refund') then event_date end) as last_date,
        min(case when kind = 'ticket' then event_date end) as first_ticket_date,
        max(case when kind = 'ticket' then event_date end) as last_ticket_date,
        min(case when kind = 'review' then event_date end) as first_review_date,
        max(case when kind = 'review' then event_date end) as last_review_date
    from told
    group by platform
),

based as (
    select
        told.*,
        'order_date' as date_basis,
        order_date as business_date
    from told
    where order_date is not null
    union all
    select
        told.*,
        'event_date' as date_basis,
        event_date as business_date
    from told
),

-- a reason is one of refunds alone
segmented as (
    select
        *,
        'all' as dimension,
        'all' as segment
    from based
    union all
    select
        *,
        'category' as dimension,
        category as segment
    from based
    union all
    select
        *,
        'reason' as dimension,
        reason as segment
    from based
    where kind = 'refund'
),

summed as (
    select
        business_date,
        date_basis,
        platform,
        dimension,
        segment,
        count(distinct case when kind = 'order' then main_order_key end) as orders,
        cast(coalesce(sum(gmv), 0) as decimal(18, 2)) as gmv,
        cast(sum(case when date_basis = 'order_date' then shipped_units end) as bigint)
            as shipped_units,
        count(distinct case when kind = 'refund' then main_order_key end) as refunded_orders,
        cast(coalesce(sum(refunded_amount), 0) as decimal(18, 2)) as refunded_amount,
        count(distinct case when is_quality then main_order_key end) as quality_refund_orders,
        case
            when count(*) filter (where is_return and returned_units is null) = 0
                then cast(coalesce(sum(returned_units), 0) as bigint)
        end as returned_units,
        count(*) filter (where kind = 'ticket') as tickets,
        count(response_micros) as answered_tickets,
        {{ ratio('sum(response_micros)', 3600000000) }} as first_response_hours,
        count(resolution_micros) as resolved_tickets,
        {{ ratio('sum(resolution_micros)', 3600000000) }} as resolution_hours,
        count(csat) as rated_tickets,
        cast(sum(csat) as double) as csat_total,
        count(*) filter (where kind = 'review') as reviews,
        cast(sum(rating) as double) as rating_total,
        count(*) filter (where rating <= 2) as bad_reviews
    from segmented
    group by business_date, date_basis, platform, dimension, segment
),

-- what no feed tells of a platform and day is not zero
known as (
    select
        summed.business_date,
        summed.date_basis,
        summed.platform,
        summed.dimension,
        summed.segment,
        {% for name in ['orders', 'gmv', 'shipped_units'] %}
            case when summed.dimension <> 'reason' then summed.{{ name }} end as {{ name }},
        {% endfor %}
        {% for name in [
            'refunded_orders', 'refunded_amount', 'quality_refund_orders', 'returned_units'
        ] %}
            case when refunding.platform is not null then summed.{{ name }} end as {{ name }},
        {% endfor %}
        {% for name in [
            'tickets', 'answered_tickets', 'first_response_hours', 'resolved_tickets',
            'resolution_hours', 'rated_tickets', 'csat_total'
        ] %}
            case
                when
                    summed.dimension <> 'reason'
                    and (
                        max(summed.tickets) over of_day > 0
                        or summed.business_date
                        between spans.first_ticket_date and spans.last_ticket_date
                    )
                    then summed.{{ name }}
            end as {{ name }},
        {% endfor %}
        {% for name in ['reviews', 'rating_total', 'bad_reviews'] %}
            case
                when
                    summed.dimension <> 'reason'
                    and (
                        max(summed.reviews) over of_day > 0
                        or summed.business_date
                        between spans.first_review_date and spans.last_review_date
                    )
                    then summed.{{ name }}
            end as {{ name }},
        {% endfor %}
        case
            when summed.date_basis = 'order_date'
                then {{ days_from('summed.business_date', 'spans.last_date') }}
        end as age_days
    from summed
    inner join spans on summed.platform = spans.platform
    left join refunding on summed.platform = refunding.platform
    window of_day as (partition by summed.business_date, summed.date_basis, summed.platform)
),

-- One standard error of what is still to come, in parts of the goods paid. The ladder is one of a
-- whole platform: what is to come of a category or for a reason it does not tell.
laddered as (
    select
        known.*,
        {{ ratio('known.refunded_amount', 'known.gmv') }} as refund_amount_rate,
        {{ ratio('ladder.rate_so_far', 'ladder.rate_so_far + ladder.remaining_rate') }}
            as maturity_rate,
        ladder.remaining_rate,
        sqrt({{ ratio('ladder.remaining_variance', 'known.gmv') }} + ladder.estimate_variance)
            as remaining_error
    from known
    left join ladder
        on
            known.platform = ladder.platform
            and known.dimension = 'all'
            and known.age_days is not null
            and least(known.age_days, {{ var('refund_ladder_days') }}) = ladder.age_days
),

-- nine in ten of a normal distribution are within 1.645 standard errors
final as (
    select
        *,
        {{ ratio('refunded_orders', 'orders') }} as refund_order_rate,
        {{ ratio('quality_refund_orders', 'orders') }} as quality_refund_rate,
        {{ ratio('returned_units', 'shipped_units') }} as return_unit_rate,
        age_days >= {{ var('refund_ladder_days') }} as is_mature,
        refund_amount_rate + remaining_rate as expected_final_refund_rate,
        -- never below what has gone back already
        refund_amount_rate + greatest(remaining_rate - 1.645 * remaining_error, 0 * remaining_rate)
            as expected_lower_rate,
        refund_amount_rate + remaining_rate + 1.645 * remaining_error as expected_upper_rate,
        cast(
            {{ round_to_cents('gmv * (1 - refund_amount_rate - remaining_rate)') }}
            as decimal(18, 2)
        ) as expected_net_sales,
        {{ ratio('tickets', 'orders') }} as ticket_rate,
        {{ ratio('csat_total', 'rated_tickets') }} as mean_csat,
        {{ ratio('rating_total', 'reviews') }} as mean_rating,
        {{ ratio('bad_reviews', 'reviews') }} as bad_review_rate
    from laddered
)

select * from final
