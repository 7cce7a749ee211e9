"""Binance: its public archive, and its REST interface for what the archive lacks."""

from bateia.sources.binance.fetch import fetch_binance
from bateia.sources.binance.markets import ARCHIVE, INTERVALS, MARKETS, Market

__all__ = ["ARCHIVE", "INTERVALS", "MARKETS", "Market", "fetch_binance"]
