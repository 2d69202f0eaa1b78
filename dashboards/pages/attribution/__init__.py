"""The page `attribution`."""
