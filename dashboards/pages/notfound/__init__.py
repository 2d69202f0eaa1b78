"""The page `notfound`."""
