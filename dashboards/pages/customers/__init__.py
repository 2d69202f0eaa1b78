"""The page `customers`."""
