{{ gmv_facts('week') }}
