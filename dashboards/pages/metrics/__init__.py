"""The page `metrics`."""
