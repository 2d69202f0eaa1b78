"""The page `profit`."""
