-- What adds up over categories and reasons is, of each day, basis and platform, what the day has.
with

{% set added = {
    'category': [
        'gmv', 'refunded_amount', 'tickets', 'answered_tickets', 'resolved_tickets',
        'rated_tickets', 'reviews', 'bad_reviews', 'rating_total'
    ],
    'reason': ['refunded_amount']
} %}

whole as (
    select * from {{ ref('fct_after_sales_daily') }}
    where dimension = 'all'
),

segments as (
    select
        business_date,
        date_basis,
        platform,
        dimension,
        {% for name in added.category + ['returned_units', 'shipped_units'] %}
            sum({{ name }}) as {{ name }},
        {% endfor %}
        count(returned_units) = count(*) as is_return_told,
        count(shipped_units) = count(*) as is_shipping_told
    from {{ ref('fct_after_sales_daily') }}
    where dimension <> 'all'
    group by business_date, date_basis, platform, dimension
)

{% for dimension, names in added.items() %}
    {% set has_segments = 'whole.refunded_orders > 0' if dimension == 'reason' else 'true' %}
    select
        whole.business_date,
        whole.date_basis,
        whole.platform,
        '{{ dimension }}' as dimension
    from whole
    left join segments
        on
            whole.business_date = segments.business_date
            and whole.date_basis = segments.date_basis
            and whole.platform = segments.platform
            and segments.dimension = '{{ dimension }}'
    where
        {% for name in names %}
            whole.{{ name }} is distinct from segments.{{ name }} and segments.platform is not null
            or
        {% endfor %}
        -- of whole days that tell how many pieces
        (segments.is_return_told and whole.returned_units <> segments.returned_units)
        or (segments.is_shipping_told and whole.shipped_units <> segments.shipped_units)
        or (segments.platform is null and {{ has_segments }})
    {{ 'union all' if not loop.last }}
{% endfor %}
