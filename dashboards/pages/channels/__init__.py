"""The page `channels`."""
