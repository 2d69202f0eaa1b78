"""The page `service`."""
