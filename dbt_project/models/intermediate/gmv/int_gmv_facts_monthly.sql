{{ gmv_facts('month') }}
