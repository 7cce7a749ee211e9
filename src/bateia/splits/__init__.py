"""TODO splits."""
