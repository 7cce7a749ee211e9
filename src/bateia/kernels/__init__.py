"""Numba only: the loops that see the market. Each has a plain-Python twin in the tests."""
