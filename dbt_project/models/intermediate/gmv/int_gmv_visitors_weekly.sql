{{ gmv_visitors('week') }}
