-- What the console of a platform says of a day is what the marts have. A warning: one of the two is
-- wrong, and only a person can say which.
{{ config(severity='warn') }}

select * from {{ ref('platform_reconciliation_daily') }}
where not is_within_tolerance
