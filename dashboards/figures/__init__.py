"""Sums over windows of days, and ratios of them. No words, no charts."""
