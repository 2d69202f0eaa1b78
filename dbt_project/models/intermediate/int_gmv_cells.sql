{{ gmv_cells('day') }}
