"""Filters by platform and shop: their bar, and what the script of a page may add up."""
