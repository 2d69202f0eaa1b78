"""Pages of `docs/` made from the feeds and formats, so that they cannot differ from the code."""
