"""The page `live.html`."""
