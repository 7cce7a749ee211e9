"""A hundred exchanges through the library ccxt, an extra."""

from bateia.sources.ccxt.fetch import fetch_ccxt
from bateia.sources.ccxt.pages import candle_pages, open_exchange, trade_pages
from bateia.sources.ccxt.source import CcxtSource

__all__ = ["CcxtSource", "candle_pages", "fetch_ccxt", "open_exchange", "trade_pages"]
