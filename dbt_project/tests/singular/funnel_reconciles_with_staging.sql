-- Visitors at step 1 of a day are the distinct visitors with that event on that day.
{% set built_of = ['stg_raw__events', 'fct_funnel_daily'] %}
with

events as (
    select
        event_date,
        count(distinct {{ join_key(['platform', 'visitor_key']) }}) as visitors
    from {{ ref('stg_raw__events') }}
    where
        visitor_key is not null
        and {{ funnel_step_number('event_type') }} = 1
        and {{ only_tested_days('event_date', built_of) }}
    group by event_date
),

funnel as (
    select
        business_date,
        entered_count
    from {{ ref('fct_funnel_daily') }}
    where
        basis = 'visitor'
        and dimension = 'all'
        and step_number = 1
        and {{ only_tested_days('business_date', built_of) }}
),

final as (
    select
        coalesce(events.event_date, funnel.business_date) as business_date,
        events.visitors as staged_visitors,
        funnel.entered_count as mart_visitors
    from events
    full join funnel on events.event_date = funnel.business_date
    where events.visitors is distinct from funnel.entered_count
)

select * from final
