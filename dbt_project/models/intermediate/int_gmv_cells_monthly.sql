{{ gmv_cells('month') }}
