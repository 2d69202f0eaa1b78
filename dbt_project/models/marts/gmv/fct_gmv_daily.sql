{{ gmv_totals('day') }}
