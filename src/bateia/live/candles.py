"""Candles as they close, joined to what the store has."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bateia.core import Bars
from bateia.core.events import Ints
from bateia.core.period import parse_edge
from bateia.live.clock import KnownAt
from bateia.live.feed import CandlePlace, Closed
from bateia.live.follow import Follower
from bateia.live.place import Place
from bateia.live.unbroken import Unbroken
from bateia.sources.blocks import rising
from bateia.sources.stored import as_candles
from bateia.store import Store

if TYPE_CHECKING:
    import polars as pl


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
        self.series, self.step = self.feed.series, self.feed.step
        self.symbol, self.interval = self.series.symbol, interval
        self._store = None if store is None else Store.open(store)
        self._since = parse_edge(since) if since else None
        self._clock = KnownAt()
        seam = Unbroken[Closed](number=self._number, time=lambda row: int(row.bars.time[0]))
        feed = self.feed
        self.follower = Follower(feed.socket, seam, feed.read, feed.ask, page=feed.page, wait=self.place.wait)

    def line(self) -> str:
        """Counts, for a log."""
        return self.follower.line()

    async def bars(self) -> AsyncGenerator[Bars, None]:
        """Blocks without end. DataError where the store lacks some, WebError where nothing comes."""
        for bars in self.history():
            yield bars
        async with aclosing(self.batches()) as batches:
            async for bars, _ in batches:
                yield bars

    def history(self) -> Iterator[Bars]:
        """What the store has from `since` on."""
        if self._store is not None:
            tables = self._store.blocks(self.series, self._since)
            for bars in rising(as_candles(table, self.step) for table in tables):
                self._after(bars)
                yield bars

    async def batches(self) -> AsyncGenerator[tuple[Bars, list[Closed]]]:
        """What happens after that: blocks, and the candles that they are made of."""
        try:
            async with aclosing(self.follower.rows()) as batches:
                async for rows in batches:
                    bars = Bars.concat([row.bars for row in rows])
                    known = self._clock.of([row.received for row in rows], bars.time)
                    yield replace(bars, known_at=known), rows
        finally:
            self.feed.close()

    def after(self, table: pl.DataFrame) -> None:
        """What happens is to follow these rows of a store."""
        self._after(as_candles(table, self.step))

    def table(self, batches: Sequence[tuple[Bars, list[Closed]]]) -> pl.DataFrame:
        """Rows as the store keeps them."""
        import polars as pl

        known = np.concatenate([bars.known_at for bars, _ in batches])
        clock = pl.from_epoch(pl.Series("known_at", known), "us").dt.replace_time_zone("UTC")
        return pl.concat([row.table for _, rows in batches for row in rows]).with_columns(clock)

    def places(self, table: pl.DataFrame) -> tuple[Ints, Ints, Ints]:
        """Numbers of rows, and the time that each of them tells: from, to before."""
        opened = np.array(table["open_time"].dt.epoch("us").to_numpy(), np.int64)
        return opened // self.step, opened, opened + self.step

    def _after(self, bars: Bars) -> None:
        seam = self.follower.seam
        seam.due = int(bars.open_time[-1]) // self.step + 1
        seam.newest = int(bars.time[-1])
        self._clock.after(bars.known_at)

    def _number(self, row: Closed) -> int:
        return int(row.bars.open_time[0]) // self.step
