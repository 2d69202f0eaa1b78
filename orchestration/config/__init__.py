"""The only reader of the environment and of shop.yml."""
