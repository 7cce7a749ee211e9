"""Binance's candles as they close, joined to what the store has."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bateia.core import Bars, DataError
from bateia.core.period import parse_edge
from bateia.live.follow import Follower
from bateia.live.place import Place
from bateia.live.unbroken import Unbroken
from bateia.sources.binance.markets import interval_of, market_of, symbol_of
from bateia.sources.binance.rest import PAGE
from bateia.sources.binance.tables import KLINE, candle_table, opens, text_rows
from bateia.sources.socket import Frame
from bateia.sources.stored import as_candles
from bateia.store import Series, Store

if TYPE_CHECKING:
    import polars as pl

_KEYS = ("t", "o", "h", "l", "c", "v", "T", "q", "n", "V", "Q")
"""The stream's names of what REST gives in this order."""
Closed = tuple[int, Bars]
"""When it came, by our clock (microseconds UTC), and the candle as a block of one."""


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
        place: Place | None = None,
    ) -> None:
        self.symbol, self.interval, self.place = symbol_of(symbol), interval, place or Place()
        self._market = market_of(self.place.market)
        self.step = interval_of(interval, self._market)
        self._store = None if store is None else Store.open(store)
        self._since = parse_edge(since) if since else None
        self._rest = self.place.interface()
        self._known = -(2**62)
        seam = Unbroken[Closed](number=self._number, time=lambda row: int(row[1].time[0]))
        self.follower = Follower(
            self.place.socket(self.symbol, f"kline_{interval}"),
            seam,
            self._read,
            self._ask,
            page=PAGE,
            wait=self.place.wait,
        )

    def line(self) -> str:
        """Counts, for a log."""
        return self.follower.line()

    async def bars(self) -> AsyncGenerator[Bars, None]:
        """Blocks without end. DataError where the store lacks some, WebError where nothing comes."""
        seam = self.follower.seam
        if self._store is not None:
            series = Series("binance", self.place.market, self.symbol, f"candles-{self.interval}")
            for table in self._store.blocks(series, self._since):
                bars = as_candles(table, self.step)
                seam.due = int(bars.open_time[-1]) // self.step + 1
                seam.newest = int(bars.time[-1])
                self._known = max(self._known, int(bars.known_at.max()))
                yield bars
        try:
            async with aclosing(self.follower.rows()) as runs:
                async for rows in runs:
                    yield self._block(rows)
        finally:
            self.place.close(self._rest)

    def _number(self, row: Closed) -> int:
        return int(row[1].open_time[0]) // self.step

    def _block(self, rows: Sequence[Closed]) -> Bars:
        bars = Bars.concat([candle for _, candle in rows])
        came = np.maximum(np.array([received for received, _ in rows], np.int64), bars.time)
        known = np.maximum.accumulate(np.maximum(came, self._known))
        self._known = int(known[-1])
        return replace(bars, known_at=known)

    def _read(self, frame: Frame) -> Closed | None:
        try:
            found = json.loads(frame.text or "")
            candle = found.get("data", found).get("k") if isinstance(found, dict) else None
            if candle is None or not candle["x"]:
                return None
            if candle["s"] != self.symbol or candle["i"] != self.interval:
                raise DataError(
                    f"a candle of {candle['s']} {candle['i']} in the stream of {self.symbol} {self.interval}"
                )
            cells = [candle[key] for key in _KEYS]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f"a message that cannot be read: {str(frame.text)[:120]}") from None
        where = f"the stream of {self.symbol} {self.interval}"
        table = candle_table(
            text_rows([cells], KLINE, where), self.step, where, by_contract=self._market.by_contract
        )
        return frame.received, as_candles(table, self.step)

    def _ask(self, first: int) -> list[Closed]:
        """A page of candles from a number on, of those that are closed by the exchange's own clock."""
        try:
            now = self._rest.now() // self.step
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError("the exchange does not tell its time") from None
        end = min(now, first + PAGE)
        found: list[Closed] = []
        for table in self._rest.candles(
            self.symbol, self.interval, self.step, first * self.step, end * self.step
        ):
            received = self.place.clock()
            found += [(received, candle) for candle in _each(table, self.step)]
        return found


def _each(table: pl.DataFrame, step: int) -> list[Bars]:
    bars = as_candles(table, step)
    return [bars[row : row + 1] for row in range(len(opens(table)))]
