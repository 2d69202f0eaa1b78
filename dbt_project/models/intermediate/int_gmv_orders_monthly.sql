{{ gmv_orders('month') }}
