"""Where Binance is to be reached live, and with how much patience."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bateia.live.binance_candles import BinanceCandles
from bateia.live.feed import CandleFeed
from bateia.sources.binance.markets import Market, market_of
from bateia.sources.binance.rest import Rest
from bateia.sources.socket import Socket
from bateia.sources.web import Web


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
class Place:
    """Where an exchange is to be reached, and with how much patience."""

    market: str = "spot"
    """`spot`, `um` or `cm`."""
    stream: str = ""
    """Host of the streams; Binance's own if empty."""
    rest: str = ""
    """Host of the REST interface; Binance's own if empty."""
    web: Web | None = None
    """How REST is asked."""
    patience: dict[str, Any] = field(default_factory=dict)
    """Settings of `Socket`."""
    wait: float = 0.5
    """Seconds from an answer that brought nothing to the next request; twice as long after each."""
    clock: Callable[[], int] = lambda: time.time_ns() // 1000

    def socket(self, symbol: str, word: str) -> Socket:
        """One stream of a symbol."""
        url = stream_url(market_of(self.market), symbol, word, self.stream)
        return Socket(url, clock=self.clock, **self.patience)

    def interface(self) -> Rest:
        """The REST interface."""
        market = market_of(self.market)
        web = self.web or Web(tries=2, timeout=10.0, longest=60.0, forgives=True)
        return Rest(web, self.rest or market.rest, market)

    def candles(self, symbol: str, interval: str) -> CandleFeed:
        """Closed candles of a symbol."""
        return BinanceCandles(self, symbol, interval)

    def close(self, rest: Rest) -> None:
        """End what `interface` began; a `web` that was given is its owner's."""
        if self.web is None:
            rest.web.close()
