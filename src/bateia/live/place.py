"""Where Binance is to be reached live."""

from __future__ import annotations

from dataclasses import dataclass

from bateia.live.binance_candles import BinanceCandles
from bateia.live.feed import CandleFeed
from bateia.live.reach import Reach
from bateia.sources.binance.markets import Market, market_of
from bateia.sources.binance.rest import Rest
from bateia.sources.socket import Socket


def stream_url(market: Market, symbol: str, word: str, base: str = "") -> str:
    """Address of one stream; `base` stands in for the exchange's own.

    >>> stream_url(market_of("um"), "BTCUSDT", "aggTrade")
    'wss://fstream.binance.com/market/ws/btcusdt@aggTrade'
    """
    path = ""
    if market.routed:
        path = "/public" if word.startswith(("depth", "bookTicker")) else "/market"
    return f"{(base or market.stream).rstrip('/')}{path}/ws/{symbol.lower()}@{word}"


@dataclass
class Place(Reach):
    """Binance's streams and REST interface of one market: `spot`, `um` or `cm`."""

    market: str = "spot"

    def socket(self, symbol: str, word: str) -> Socket:
        """One stream of a symbol."""
        url = stream_url(market_of(self.market), symbol, word, self.stream)
        return Socket(url, clock=self.clock, **self.patience)

    def interface(self) -> Rest:
        """The REST interface."""
        market = market_of(self.market)
        return Rest(self.open_web(), self.rest or market.rest, market)

    def candles(self, symbol: str, interval: str) -> CandleFeed:
        """Closed candles of a symbol."""
        return BinanceCandles(self, symbol, interval)
