"""Bybit: its public archive of trades, and candles of its REST interface."""

from bateia.sources.bybit.archive import BybitSource, read_day

__all__ = ["BybitSource", "read_day"]
