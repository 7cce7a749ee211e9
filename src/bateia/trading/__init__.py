"""TODO trading."""
