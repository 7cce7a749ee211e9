"""A book of Binance as it happens: diffs from the stream, snapshots from REST when they are wanted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from typing import Any, Literal

from bateia.book.binance import Depth, parse_message
from bateia.book.component import Book
from bateia.book.samples import Samples
from bateia.book.sync import Synchroniser
from bateia.book.synced import SyncedReplay
from bateia.core import ConfigError, DataError
from bateia.core.clock import MINUTE, SECOND
from bateia.live.follow import LISTED, asked, paired
from bateia.live.place import Place
from bateia.sources.binance.markets import symbol_of
from bateia.sources.socket import Frame

SPEEDS = ("", "100ms", "250ms", "500ms", "1000ms")


class LiveBook:
    """Sampled books of a symbol, as they come: what `SyncedReplay` makes of a recording, made live.

    A sample is there with the first diff after its moment. While the book is out of sync there are none; a
    snapshot is asked of REST, again after a pause that doubles from `place.wait` to `longest` seconds.
    Messages that the book refuses, `tries` of them with no sample between, are an error, as those of a wrong
    tick size are.

    >>> live = LiveBook("btcusdt", 0.1, place=Place(market="um"))
    >>> live.socket.url, live.synced.sync.state
    ('wss://fstream.binance.com/public/ws/btcusdt@depth@100ms', 'waiting')
    """

    def __init__(
        self,
        symbol: str,
        tick_size: float,
        *,
        depth: int = 200,
        every: int = SECOND,
        silence: int = MINUTE,
        policy: Literal["resync", "stop"] = "resync",
        levels: int = 1000,
        speed: str = "100ms",
        longest: float = 30.0,
        tries: int = 10,
        place: Place | None = None,
    ) -> None:
        if speed not in SPEEDS:
            raise ConfigError(f"diffs every {speed!r}", allowed=", ".join(SPEEDS[1:]))
        self.symbol, self.place = symbol_of(symbol), place or Place()
        kind = Book(tick_size=tick_size, depth=depth)
        sync = Synchroniser(market="spot" if self.place.market == "spot" else "futures")
        self.synced = SyncedReplay(sync, kind, every, silence, policy)
        self.synced.sync.symbol = self.symbol
        self.socket = self.place.socket(self.symbol, f"depth@{speed}" if speed else "depth")
        self._rest, self._levels = self.place.interface(), levels
        self._longest, self._tries, self._stop = longest, tries, policy == "stop"
        self._vain = self._refused = 0
        self.asked = self.failed = 0
        self.told: list[str] = []
        """The first of what REST and the book refused, in words; `synced.replay.faults` has the rest."""

    def line(self) -> str:
        """Counts, for a log."""
        rest = f"snapshots asked {self.asked}, failed {self.failed}"
        return f"{self.synced.sync.stats.line(self.place.clock())}; {rest}; {self.socket.stats.line()}"

    async def samples(self) -> AsyncGenerator[Samples, None]:
        """Samples without end. WebError where the socket gives up, DataError by policy or as said above."""
        try:
            async with aclosing(paired(self.socket, self._wanted)) as events:
                async for frame, answer in events:
                    made = [self._came(frame)] if frame is not None else []
                    if answer is not None:
                        made.append(self._answered(answer))
                    for samples in made:
                        if len(samples):
                            self._refused = 0
                            yield samples
        finally:
            self.place.close(self._rest)

    def _wanted(self) -> Coroutine[Any, Any, bytes | DataError] | None:
        return self._request() if self.synced.sync.wants_snapshot else None

    async def _request(self) -> bytes | DataError:
        if self._vain:
            await asyncio.sleep(min(self._longest, self.place.wait * 2.0 ** min(self._vain - 1, 30)))
        self._vain += 1
        self.asked += 1
        return await asked(lambda: self._rest.depth(self.symbol, self._levels))

    def _answered(self, answer: bytes | DataError) -> Samples:
        try:
            if isinstance(answer, DataError):
                raise answer
            snapshot = parse_message(answer, self.symbol)
            if not isinstance(snapshot, Depth):
                raise DataError(f"no snapshot of a book: {answer[:80]!r}", allowed="lastUpdateId, bids, asks")
        except DataError as error:
            self.failed += 1
            self._tell(error)
            return self._none
        try:
            samples = self.synced.on(snapshot, self.place.clock())
        except DataError as error:
            return self._refuse(error)
        if self.synced.sync.state == "in sync":
            self._vain = 0
        return samples

    def _came(self, frame: Frame) -> Samples:
        if frame.text is None:
            return self._none
        try:
            return self.synced.on_text(frame.text, frame.received)
        except DataError as error:
            return self._refuse(error)

    def _refuse(self, error: DataError) -> Samples:
        self._refused += 1
        if self._stop or self._refused >= self._tries:
            raise error
        self._tell(error)
        return self._none

    @property
    def _none(self) -> Samples:
        return Samples.room(0, self.synced.replay.book.kind.depth)

    def _tell(self, error: DataError) -> None:
        if len(self.told) < LISTED:
            self.told.append(str(error))
