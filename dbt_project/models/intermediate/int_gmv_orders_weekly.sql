{{ gmv_orders('week') }}
