-- Their spend stands in one channel. A warning: other names or tags would tell them apart.
{{ config(severity='warn') }}

select * from {{ ref('dim_campaign') }}
where channel_reason = 'unclear' and cost > 0
