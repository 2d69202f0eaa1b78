-- Visitors of a day are the distinct ones with any step on it, at step 1 those with that event; a
-- purchase that is sent again is no step.
-- Sessions are all that are published, and their last step is reached as often as it occurs.
{% set built_of = ['stg_raw__events', 'int_sessions_built', 'fct_funnel_daily'] %}
with

events as (
    select
        event_date as business_date,
        'visitor' as basis,
        count(distinct {{ join_key(['platform', 'visitor_key']) }}) as attempt_count,
        count(
            distinct case
                when {{ funnel_step_number('event_type') }} = 1
                    then {{ join_key(['platform', 'visitor_key']) }}
            end
        ) as checked_count
    from {{ ref('int_events_counted') }}
    where
        visitor_key is not null
        and {{ funnel_step_number('event_type') }} is not null
        and {{ only_tested_days('event_date', built_of) }}
    group by event_date
),

sessions as (
    select
        business_date,
        'session' as basis,
        count(*) as attempt_count,
        count(first_{{ var('funnel_steps') | length }}_at) as checked_count
    from {{ ref('int_sessions_built') }}
    where {{ only_tested_days('business_date', built_of) }}
    group by business_date
),

expected as (
    select * from events
    union all
    select * from sessions
),

funnel as (
    select
        business_date,
        basis,
        max(attempt_count) as attempt_count,
        sum(
            case
                when basis = 'visitor' and step_number = 1 then entered_count
                when basis = 'session' and step_number = {{ var('funnel_steps') | length }}
                    then reached_count
                else 0
            end
        ) as checked_count
    from {{ ref('fct_funnel_daily') }}
    where dimension = 'all' and {{ only_tested_days('business_date', built_of) }}
    group by business_date, basis
),

final as (
    select
        coalesce(expected.business_date, funnel.business_date) as business_date,
        coalesce(expected.basis, funnel.basis) as basis,
        expected.attempt_count as expected_attempts,
        funnel.attempt_count as mart_attempts,
        expected.checked_count,
        funnel.checked_count as mart_checked
    from expected
    full join funnel
        on expected.business_date = funnel.business_date and expected.basis = funnel.basis
    where
        expected.attempt_count is distinct from funnel.attempt_count
        or expected.checked_count is distinct from funnel.checked_count
)

select * from final
