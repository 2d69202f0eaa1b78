"""The page `cohorts`."""
