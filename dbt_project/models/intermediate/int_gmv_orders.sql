{{ gmv_orders('day') }}
