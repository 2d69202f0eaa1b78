"""The page `promo`."""
