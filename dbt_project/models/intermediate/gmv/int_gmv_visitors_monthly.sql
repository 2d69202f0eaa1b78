{{ gmv_visitors('month') }}
