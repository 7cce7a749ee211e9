"""Bybit's trades as they happen, each once; where they cannot be shown to be whole, that is said."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np

from bateia.core import DataError, Trades, format_time
from bateia.core.clock import MILLISECOND
from bateia.core.period import parse_edge
from bateia.live.bybit import BybitPlace
from bateia.live.clock import KnownAt
from bateia.live.follow import LISTED, asked, paired
from bateia.live.joined import Joined
from bateia.sources.blocks import rising
from bateia.sources.bybit.rest import SIDES, Print, symbol_of
from bateia.sources.socket import Frame
from bateia.sources.stored import as_trades
from bateia.store import Series, Store

Came = tuple[int, Print]
"""When it came, by our clock (microseconds UTC), and the trade."""
TRIES = 5


class BybitTrades:
    """A symbol's trades: what a store has of them from `since` on, then what happens.

    Bybit's trades have names but no numbers, and REST gives the last ones alone: 1,000, of spot 60. They are
    asked for after each connection; where they do not reach back to what is known, and after the rows of a
    store, a possible loss is counted and told.

    >>> BybitTrades("btcusdt", place=BybitPlace(market="spot")).socket.url
    'wss://stream.bybit.com/v5/public/spot'
    """

    def __init__(
        self,
        symbol: str,
        *,
        store: str | Path | None = None,
        since: str = "",
        place: BybitPlace | None = None,
    ) -> None:
        self.symbol, self.place = symbol_of(symbol), place or BybitPlace()
        self.series = Series("bybit", self.place.market, self.symbol, "trades")
        self._store = None if store is None else Store.open(store)
        self._since = parse_edge(since) if since else None
        self._topic = f"publicTrade.{self.symbol}"
        self.socket, self._rest = self.place.socket(self._topic), self.place.interface()
        self.seam = Joined[Came](name=lambda row: row[1].name, order=lambda row: row[1].order)
        self._clock, self._stored, self._vain = KnownAt(), -(2**62), 0
        self.asked = self.failed = self.unreadable = 0
        self.told: list[str] = []
        """The first of what went wrong, in words."""

    def line(self) -> str:
        """Counts, for a log."""
        counts = f"asked {self.asked}, failed {self.failed}, unreadable {self.unreadable}"
        told = "".join(f"; {what}" for what in self.told)
        return f"{self.seam.stats.line()}, {counts}; {self.socket.stats.line()}{told}"

    async def blocks(self) -> AsyncGenerator[Trades, None]:
        """Blocks without end. DataError where the store lacks some, WebError where nothing comes."""
        if self._store is not None:
            tables = self._store.blocks(self.series, self._since)
            for block in rising(as_trades(table) for table in tables):
                self._clock.after(block.known_at)
                self._stored = int(block.time.max(initial=self._stored))
                yield block
        try:
            async with aclosing(paired(self.socket, self._wanted)) as events:
                async for frame, answer in events:
                    ready = [] if answer is None else self._answered(answer)
                    ready += [] if frame is None else self._came(frame)
                    if ready := self._after_the_store(ready):
                        yield self._block(ready)
        finally:
            self.place.close(self._rest)

    def _wanted(self) -> Coroutine[Any, Any, Sequence[Print] | DataError] | None:
        return self._request() if self.seam.wanted else None

    async def _request(self) -> Sequence[Print] | DataError:
        if self._vain:
            await asyncio.sleep(self.place.wait * 2.0 ** (self._vain - 1))
        self.asked += 1
        return await asked(lambda: self._rest.last_prints(self.symbol))

    def _answered(self, answer: Sequence[Print] | DataError) -> list[Came]:
        if isinstance(answer, DataError):
            self.failed += 1
            self._tell(str(answer))
            answer = []
        known, received = self.seam.newest, self.place.clock()
        ready = self.seam.answered([(received, one) for one in answer])
        self._vain = self._vain + 1 if self.seam.wanted else 0
        if self._vain >= TRIES:
            self._vain = 0
            first = self.seam.waiting
            assert known is not None and first is not None
            self._lost((ready[-1] if ready else known)[1].time, first[1].time)
            ready += self.seam.give_up()
        return ready

    def _came(self, frame: Frame) -> list[Came]:
        if frame.text is None:
            self.seam.opened()
            return []
        try:
            return self.seam.on([(frame.received, one) for one in self._read(frame.text)])
        except DataError as error:
            self.unreadable += 1
            self._tell(str(error))
            return []

    def _read(self, text: str | bytes) -> list[Print]:
        try:
            message = json.loads(text)
            if message.get("topic", self._topic) != self._topic:
                raise DataError(f"a message of {message['topic']} in the stream of {self._topic}")
            return [
                Print(
                    name=str(one["i"]),
                    order=(int(one["T"]), int(one.get("seq", 0))),
                    time=int(one["T"]) * MILLISECOND,
                    price=float(one["p"]),
                    size=float(one["v"]),
                    side=SIDES[one["S"]],
                )
                for one in message.get("data", ())
            ]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f"a message that cannot be read: {str(text)[:120]}") from None

    def _after_the_store(self, rows: list[Came]) -> list[Came]:
        """Those that the store has not; before the first of them some may be missing."""
        if self._store is None or not rows:
            return rows
        rows = [row for row in rows if row[1].time > self._stored]
        if rows:
            self._store = None
            self.seam.stats.breaks += 1
            self._lost(self._stored, rows[0][1].time)
        return rows

    def _block(self, rows: Sequence[Came]) -> Trades:
        prints = [one for _, one in rows]
        times = np.array([one.time for one in prints], np.int64)
        return Trades(
            time=times,
            known_at=self._clock.of([received for received, _ in rows], times),
            price=np.array([one.price for one in prints]),
            size=np.array([one.size for one in prints]),
            side=np.array([one.side for one in prints], np.int8),
        )

    def _lost(self, last: int, first: int) -> None:
        self._tell(f"trades between {format_time(last)} and {format_time(first)} may be missing")

    def _tell(self, what: str) -> None:
        if len(self.told) < LISTED:
            self.told.append(what)
