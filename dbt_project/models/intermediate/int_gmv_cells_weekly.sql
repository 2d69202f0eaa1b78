{{ gmv_cells('week') }}
