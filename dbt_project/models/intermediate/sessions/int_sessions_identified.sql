{# A join of sessions with the few that have a known user: read where it is used, never stored. #}
{{ config(materialized='view') }}

with

sessions as (
    select * from {{ ref('int_sessions_built') }}
),

recognised as (
    select * from {{ ref('int_sessions_recognised') }}
),

final as (
    select
        sessions.*,
        recognised.customer_key
    from sessions
    left join recognised on sessions.session_id = recognised.session_id
)

select * from final
