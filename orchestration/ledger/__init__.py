"""What cannot be derived: which files came, what manifests announced, what is kept how long."""
