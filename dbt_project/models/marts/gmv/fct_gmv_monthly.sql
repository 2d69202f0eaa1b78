{{ gmv_totals('month') }}
