{{ gmv_facts('day') }}
