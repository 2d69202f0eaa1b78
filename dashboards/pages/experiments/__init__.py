"""The page `experiments`."""
