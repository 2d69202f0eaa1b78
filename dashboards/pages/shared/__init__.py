"""What several pages are laid out of: the chart of a change, tiles and tabs, alert lines."""
