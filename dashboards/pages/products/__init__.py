"""The page `products`."""
