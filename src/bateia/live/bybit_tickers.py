"""Bybit's tickers as they happen: the last price and, of futures, the best bid and ask, mark and funding."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from bateia.core import DataError
from bateia.core.clock import MILLISECOND
from bateia.live.bybit import BybitPlace
from bateia.sources.bybit.rest import symbol_of

_KEYS = {
    "last": "lastPrice",
    "bid": "bid1Price",
    "bid_size": "bid1Size",
    "ask": "ask1Price",
    "ask_size": "ask1Size",
    "mark": "markPrice",
    "index": "indexPrice",
    "funding_rate": "fundingRate",
    "open_interest": "openInterest",
}


@dataclass(frozen=True, slots=True)
class BybitTicker:
    """What Bybit says of a symbol; None for what the market does not have, as spot has no bid and ask."""

    time: int
    """When Bybit sent it, microseconds UTC."""
    last: float | None
    bid: float | None
    bid_size: float | None
    ask: float | None
    ask_size: float | None
    mark: float | None
    index: float | None
    funding_rate: float | None
    open_interest: float | None


class BybitTickers:
    """A symbol's ticker after each change, with the moment at which each came.

    What was missed while the socket was down is gone, as no one keeps it. A connection begins with
    all values.

    >>> BybitTickers("btcusd", place=BybitPlace(market="inverse")).socket.url
    'wss://stream.bybit.com/v5/public/inverse'
    """

    def __init__(self, symbol: str, *, place: BybitPlace | None = None) -> None:
        self.symbol, self.place = symbol_of(symbol), place or BybitPlace()
        self._topic = f"tickers.{self.symbol}"
        self.socket = self.place.socket(self._topic)
        self._values: dict[str, float] = {}
        self._newest, self._said = -1, ""
        self.rows = self.old = self.unreadable = 0

    def line(self) -> str:
        """Counts, for a log."""
        counts = f"rows {self.rows}, old {self.old}, unreadable {self.unreadable}"
        return f"{counts}; {self.socket.stats.line()}"

    async def tickers(self) -> AsyncGenerator[tuple[int, BybitTicker], None]:
        """Our clock at receipt (microseconds UTC) and the ticker, without end; WebError as the socket."""
        async with aclosing(self.socket.frames()) as frames:
            async for frame in frames:
                if frame.text is None:
                    self._values = {}
                    continue
                try:
                    ticker = self._read(frame.text)
                except (ValueError, KeyError, TypeError, AttributeError, DataError):
                    self.unreadable += 1
                    continue
                if ticker is not None:
                    self.rows += 1
                    yield frame.received, ticker

    def _read(self, text: str | bytes) -> BybitTicker | None:
        """The ticker after a message; None for one that is old, and for changes before all values came."""
        message = json.loads(text)
        if message["topic"] != self._topic:
            raise DataError(f"a message of {message['topic']} in the stream of {self._topic}")
        sent, data = int(message["ts"]), message["data"]
        if sent < self._newest or text == self._said:
            self.old += 1
            return None
        whole = message["type"] == "snapshot"
        if not (whole or self._values):
            return None
        changed = {ours: float(data[name]) for ours, name in _KEYS.items() if data.get(name)}
        self._values = changed if whole else self._values | changed
        self._newest, self._said = sent, str(text)
        return BybitTicker(sent * MILLISECOND, **{name: self._values.get(name) for name in _KEYS})
