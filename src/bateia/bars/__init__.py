"""TODO bars."""
