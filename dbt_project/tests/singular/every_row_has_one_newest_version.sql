-- One of two was taken by a rule that means nothing. A warning: only a person can tell.
{{ config(severity='warn') }}

select * from {{ ref('version_conflicts') }}
