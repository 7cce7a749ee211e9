"""Candles as they close, joined to what the store has."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from bateia.core import Bars
from bateia.core.period import parse_edge
from bateia.live.clock import KnownAt
from bateia.live.feed import CandlePlace, Closed
from bateia.live.follow import Follower
from bateia.live.place import Place
from bateia.live.unbroken import Unbroken
from bateia.sources.stored import as_candles
from bateia.store import Store


class LiveCandles:
    """A symbol's closed candles: what a store has of them from `since` on, then each as it closes.

    What was missed is asked of REST; a candle that neither has is counted as lost. `known_at` is when the
    candle came, never before its close, and never falls.

    >>> LiveCandles("btcusdt", "5m", place=Place(market="um")).follower.socket.url
    'wss://fstream.binance.com/market/ws/btcusdt@kline_5m'
    """

    def __init__(
        self,
        symbol: str,
        interval: str,
        *,
        store: str | Path | None = None,
        since: str = "",
        place: CandlePlace | None = None,
    ) -> None:
        self.place = place or Place()
        self.feed = self.place.candles(symbol, interval)
        self.symbol, self.interval, self.step = self.feed.series.symbol, interval, self.feed.step
        self._store = None if store is None else Store.open(store)
        self._since = parse_edge(since) if since else None
        self._clock = KnownAt()
        seam = Unbroken[Closed](number=self._number, time=lambda row: int(row[1].time[0]))
        feed = self.feed
        self.follower = Follower(feed.socket, seam, feed.read, feed.ask, page=feed.page, wait=self.place.wait)

    def line(self) -> str:
        """Counts, for a log."""
        return self.follower.line()

    async def bars(self) -> AsyncGenerator[Bars, None]:
        """Blocks without end. DataError where the store lacks some, WebError where nothing comes."""
        seam = self.follower.seam
        if self._store is not None:
            for table in self._store.blocks(self.feed.series, self._since):
                bars = as_candles(table, self.step)
                seam.due = int(bars.open_time[-1]) // self.step + 1
                seam.newest = int(bars.time[-1])
                self._clock.after(bars.known_at)
                yield bars
        try:
            async with aclosing(self.follower.rows()) as runs:
                async for rows in runs:
                    yield self._block(rows)
        finally:
            self.feed.close()

    def _number(self, row: Closed) -> int:
        return int(row[1].open_time[0]) // self.step

    def _block(self, rows: Sequence[Closed]) -> Bars:
        bars = Bars.concat([candle for _, candle in rows])
        return replace(bars, known_at=self._clock.of([received for received, _ in rows], bars.time))
