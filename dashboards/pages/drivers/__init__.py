"""The page `drivers`."""
