"""Binance's best bid and ask as it happens."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from bateia.book.binance import Ticker, parse_message
from bateia.core import DataError
from bateia.live.place import Place
from bateia.sources.binance.markets import symbol_of


class LiveTickers:
    """A symbol's best bid and ask after each change, by update id, with the moment at which each came.

    What was missed while the socket was down is gone, as no one keeps it. Ids skip: that none is missing
    cannot be told.

    >>> LiveTickers("btcusdt", place=Place(market="cm")).socket.url
    'wss://dstream.binance.com/ws/btcusdt@bookTicker'
    """

    def __init__(self, symbol: str, *, place: Place | None = None) -> None:
        self.symbol, self.place = symbol_of(symbol), place or Place()
        self.socket = self.place.socket(self.symbol, "bookTicker")
        self.rows = self.old = self.unreadable = 0

    def line(self) -> str:
        """Counts, for a log."""
        counts = f"rows {self.rows}, old {self.old}, unreadable {self.unreadable}"
        return f"{counts}; {self.socket.stats.line()}"

    async def tickers(self) -> AsyncGenerator[tuple[int, Ticker], None]:
        """Our clock at receipt (microseconds UTC) and the ticker, without end; WebError as the socket."""
        newest = -1
        async with aclosing(self.socket.frames()) as frames:
            async for frame in frames:
                if frame.text is None:
                    continue
                try:
                    message = parse_message(frame.text)
                except DataError:
                    self.unreadable += 1
                    continue
                if not isinstance(message, Ticker) or message.symbol != self.symbol:
                    continue
                if message.update_id <= newest:
                    self.old += 1
                    continue
                newest = message.update_id
                self.rows += 1
                yield frame.received, message
