"""The page `alerts.html`."""
