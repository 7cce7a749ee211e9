"""Bybit: its public archive of trades, and its REST interface."""

from bateia.sources.bybit.archive import BybitSource, read_day

__all__ = ["BybitSource", "read_day"]
