"""A book of Bybit as it happens: a snapshot at the start of each connection, then changes."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Literal

from bateia.book.archive import ArchiveReader
from bateia.book.bybit import BybitLines, Malformed
from bateia.book.replay import BookReplay, Faults
from bateia.book.samples import Samples
from bateia.core import ConfigError, DataError, format_duration
from bateia.core.clock import MINUTE, SECOND
from bateia.live.bybit import BybitPlace
from bateia.sources.bybit.rest import symbol_of
from bateia.sources.socket import Frame

LEVELS = 200
"""Levels a side of the stream."""
PATIENCE = 50
"""Changes of a connection after which its snapshot has not come."""


class BybitBook:
    """Sampled books of a symbol, as they come: what `ArchiveReader` makes of the lines of a file, made live.

    A sample is there with the first message after its moment. A book that broke (a change is missing, the
    sides cross) has no samples; the connection is left for a new one, which begins with a snapshot. Messages
    that the book refuses, `tries` of them with no sample between, are an error.

    >>> BybitBook("btcusdt", depth=5).socket.url
    'wss://stream.bybit.com/v5/public/linear'
    """

    def __init__(
        self,
        symbol: str,
        tick_size: float | None = None,
        *,
        depth: int = LEVELS,
        every: int = SECOND,
        silence: int = MINUTE,
        policy: Literal["resync", "stop"] = "resync",
        tries: int = 10,
        place: BybitPlace | None = None,
    ) -> None:
        if not 1 <= depth <= LEVELS:
            raise ConfigError(f"a book of {depth} levels", allowed=f"1 to {LEVELS}")
        self.symbol, self.place = symbol_of(symbol), place or BybitPlace()
        read = {"symbol": self.symbol, "depth": depth, "tick_size": tick_size, "policy": policy}
        spans = {"every": format_duration(every), "silence": format_duration(silence)}
        self._reader = ArchiveReader.model_validate(read | spans)
        self.socket = self.place.socket(f"orderbook.{LEVELS}.{self.symbol}")
        self.lines = BybitLines(self.symbol, tick_size)
        self.faults = Faults()
        """What was wrong, and at which message, from 1."""
        self.replay: BookReplay | None = None
        self._tries, self._refused, self._vain = tries, 0, 0
        self._sound = False
        """Whether this connection's book has been whole."""
        self.samples_made = self.left = 0

    def line(self) -> str:
        """Counts, for a log."""
        faults = "".join(f", {kind} {count}" for kind, count in sorted(self.faults.counts.items()))
        counts = f"samples {self.samples_made}, messages {self.lines.lines}, left {self.left}{faults}"
        return f"{counts}; {self.socket.stats.line()}"

    async def samples(self) -> AsyncGenerator[Samples, None]:
        """Samples without end. WebError where the socket gives up, DataError by policy or as said above."""
        async with aclosing(self.socket.frames()) as frames:
            async for frame in frames:
                for samples in self._came(frame):
                    self._refused = 0
                    self.samples_made += len(samples)
                    yield samples

    def _came(self, frame: Frame) -> list[Samples]:
        if frame.text is None:
            self._sound, self._vain = False, 0
            return []
        text = frame.text.encode() if isinstance(frame.text, str) else frame.text
        made: list[Samples] = []
        try:
            for part in self.lines.feed(text.replace(b"\n", b" ") + b"\n"):
                if isinstance(part, Malformed):
                    self._broken(part)
                    continue
                self.replay = self.replay or self._reader.replay(self.lines, self.faults)
                made += [samples for samples in self.replay.blocks(part) if len(samples)]
        except DataError as error:
            self._refuse(error)
        self._look()
        return made

    def _broken(self, part: Malformed) -> None:
        if self.replay is None:
            self.faults.add("malformed", part.line, part.what)
        else:
            self.replay.broken(part.line, "malformed", part.what)

    def _refuse(self, error: DataError) -> None:
        self._refused += 1
        if self._reader.policy == "stop" or self._refused >= self._tries:
            raise error
        if self.replay is not None:
            self.replay.broken(self.lines.lines, "refused", str(error))

    def _look(self) -> None:
        """Leave a connection whose book broke, or that does not begin with a snapshot."""
        if self.replay is not None and self.replay.whole:
            self._sound, self._vain = True, 0
            return
        self._vain += 1
        if self._sound or self._vain >= PATIENCE:
            self._sound, self._vain = False, 0
            self.left += 1
            self.socket.leave("the book broke: a new connection begins with a snapshot")
