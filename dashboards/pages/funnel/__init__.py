"""The page `funnel`."""
