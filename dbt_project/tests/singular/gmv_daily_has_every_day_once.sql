-- The company has a row for every day between its first and its last.
with company as (
    select business_date from {{ ref('fct_gmv_daily') }}
    where dimension = 'all'
)

select count(*) as row_count
from company
having
    count(*) > 0
    and count(*) != {{ days_from('min(business_date)', 'max(business_date)') }} + 1
