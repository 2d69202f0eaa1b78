"""The weekly and the monthly review, a page for each closed week and month."""
