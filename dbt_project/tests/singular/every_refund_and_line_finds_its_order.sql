-- Their money is in no mart. A warning: an order may be older than the first export.
{{ config(severity='warn') }}

select * from {{ ref('orphans_daily') }}
where feed in ('refunds', 'order_items') and looks_for in ('order', 'rate', 'payment')
