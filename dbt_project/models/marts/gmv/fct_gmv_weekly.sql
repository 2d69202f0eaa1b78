{{ gmv_totals('week') }}
