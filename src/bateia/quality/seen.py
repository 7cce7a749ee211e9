"""What a recording of a book holds, gathered as it is replayed once: what the checks of books look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from bateia.book.binance import Depth, Diff
from bateia.book.bybit import BybitLines, Malformed
from bateia.book.component import Book
from bateia.book.messages import Messages
from bateia.book.packed import PackedMessages
from bateia.book.replay import BookReplay, Faults
from bateia.book.samples import Samples
from bateia.book.sync import Synchroniser
from bateia.book.synced import SyncedReplay
from bateia.core import DataError
from bateia.core.clock import MILLISECOND
from bateia.core.events import Floats, Ints
from bateia.quality.grids import tick_of

EVERY = 100 * MILLISECOND
"""Time between two looks at the best prices."""
MOST = 200_000
"""Levels that are kept for what needs prices and sizes; of a longer recording the first."""
PROBE = 2_000
"""Messages from which the tick of a recording of Binance is told."""


@dataclass(eq=False)
class SeenBook:
    """One book: its messages in columns, levels in part, the best prices every tenth of a second."""

    symbol: str
    time: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    """The exchange's, microseconds UTC."""
    received: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    """Ours, microseconds UTC; empty where nobody wrote it down."""
    changed: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    """Levels of each change."""
    prices: Floats = field(default_factory=lambda: np.empty(0))
    sizes: Floats = field(default_factory=lambda: np.empty(0))
    """Of levels that are there, removed ones left out."""
    top: Samples = field(default_factory=lambda: Samples.room(0, 1))
    faults: Faults = field(default_factory=Faults)
    snapshots: int = 0
    repeated: int = 0
    """Changes of Binance whose ids came before."""
    crossed: int = 0
    """Snapshots whose best bid is not below their best ask."""
    early: int = 0
    """Changes before any snapshot, of an exchange that sends one first."""
    refused: str = ""
    """What ended the replay."""
    tick: float = 0.0
    apart: bool = False
    """Whether snapshots come beside the stream of changes, as Binance's do: they have no row in `time`."""


def see_lines(pieces: Iterable[bytes], symbol: str = "", tick: float | None = None) -> SeenBook:
    """A book of Bybit's lines, in any pieces; DataError only where they cannot be unpacked."""
    lines = BybitLines(symbol, tick, mixed=bool(symbol))
    return see_parts(lines, _parts(lines, pieces))


def see_parts(lines: BybitLines | PackedMessages, parts: Iterable[Messages | Malformed]) -> SeenBook:
    """A book of messages that were parsed by `lines`, now or once."""
    made = _Gathered(SeenBook(lines.symbol))
    replay: BookReplay | None = None
    try:
        for part in parts:
            if isinstance(part, Malformed):
                _malformed(part, replay, made.book.faults)
                continue
            if replay is None:
                assert lines.tick_size is not None
                replay = BookReplay(Book(tick_size=lines.tick_size, depth=1), EVERY, faults=made.book.faults)
            made.add(part, lines.tick_size or 0.0)
            if not made.book.refused:
                made.replay(replay, part)
    except DataError as error:
        if not lines.lines:
            raise
        made.book.refused = error.given
    book = made.whole()
    book.symbol, book.tick = lines.symbol, lines.tick_size or 0.0
    book.early = lines.early + (replay.skipped if replay else 0)
    return book


def _parts(lines: BybitLines, pieces: Iterable[bytes]) -> Iterator[Messages | Malformed]:
    for piece in pieces:
        yield from lines.feed(piece)
    yield from lines.finish()


def _malformed(part: Malformed, replay: BookReplay | None, faults: Faults) -> None:
    if replay is None:
        faults.add("malformed", part.line, part.what)
    else:
        replay.broken(part.line, "malformed", part.what)


class SyncedBook:
    """A book of Binance, gathered message by message; the first 2,000 tell a tick that is not given."""

    def __init__(self, symbol: str, tick: float | None = None) -> None:
        self._tick = tick
        self._made = _Gathered(SeenBook(symbol, apart=True))
        self._waiting: list[tuple[int, Diff | Depth]] = []
        self._synced: SyncedReplay | None = None
        self._last = -1

    def take(self, message: Diff | Depth, received: int) -> None:
        """The next message, received at our clock in microseconds."""
        self._made.single(message, received)
        if isinstance(message, Diff):
            self._made.book.repeated += message.last <= self._last
            self._last = max(self._last, message.last)
        self._waiting.append((received, message))
        if self._synced is not None or len(self._waiting) == PROBE:
            self._replay()

    def whole(self) -> SeenBook:
        """The book, once all messages were taken."""
        self._replay()
        book = self._made.whole()
        if self._synced is not None:
            book.faults = self._synced.replay.faults
        return book

    def _replay(self) -> None:
        book = self._made.book
        if self._synced is None:
            book.tick = self._tick or self._made.tick()
            futures = any(isinstance(one, Diff) and one.previous is not None for _, one in self._waiting)
            market: Literal["spot", "futures"] = "futures" if futures else "spot"
            kind = Book(tick_size=book.tick or 1e-8, depth=1)
            self._synced = SyncedReplay(Synchroniser(market=market), kind, EVERY)
        waiting, self._waiting = self._waiting, []
        for received, message in waiting:
            if book.refused:
                return
            try:
                top = self._synced.on(message, received)
            except DataError as error:
                book.refused = f"message {self._synced.read}: {error.given}"
                return
            if len(top):
                self._made.tops.append(top)


@dataclass(eq=False)
class _Gathered:
    """A book whose columns are still lists."""

    book: SeenBook
    times: list[Ints] = field(default_factory=list)
    receipts: list[int] = field(default_factory=list)
    counts: list[Ints] = field(default_factory=list)
    prices: list[Floats] = field(default_factory=list)
    sizes: list[Floats] = field(default_factory=list)
    tops: list[Samples] = field(default_factory=list)
    kept: int = 0

    def add(self, part: Messages, tick: float) -> None:
        """A block of messages as columns."""
        self.times.append(part.time)
        self.book.snapshots += int(part.kinds.sum())
        self.counts.append(np.diff(part.first)[part.kinds == 0])
        start, stop = int(part.first[0]), int(part.first[-1])
        self._levels(np.asarray(part.ticks[start:stop] * tick), part.sizes[start:stop])

    def single(self, message: Diff | Depth, received: int) -> None:
        """One message of Binance."""
        if isinstance(message, Depth):
            self.book.snapshots += 1
            both = len(message.bids) and len(message.asks)
            self.book.crossed += bool(both and message.bids[:, 0].max() >= message.asks[:, 0].min())
        else:
            self.times.append(np.array([message.time]))
            self.receipts.append(received)
            self.counts.append(np.array([len(message.bids) + len(message.asks)]))
        levels = np.concatenate([message.bids, message.asks])
        self._levels(levels[:, 0], levels[:, 1])

    def _levels(self, prices: Floats, sizes: Floats) -> None:
        there = sizes > 0
        if self.kept < MOST:
            self.prices.append(prices[there])
            self.sizes.append(sizes[there])
            self.kept += int(there.sum())

    def replay(self, replay: BookReplay, part: Messages) -> None:
        """The best prices after a block; what ends the replay is kept in words."""
        try:
            self.tops += list(replay.blocks(part))
        except DataError as error:
            self.book.refused = error.given

    def tick(self) -> float:
        """The step of the prices so far, 0 where there is none."""
        return tick_of(np.concatenate(self.prices)) if self.prices else 0.0

    def whole(self) -> SeenBook:
        """The book with its columns."""
        book = self.book
        book.time = np.concatenate([np.empty(0, np.int64), *self.times])
        book.received = np.array(self.receipts, np.int64)
        book.changed = np.concatenate([np.empty(0, np.int64), *self.counts])
        book.prices = np.concatenate([np.empty(0), *self.prices])
        book.sizes = np.concatenate([np.empty(0), *self.sizes])
        book.top = Samples.concat(self.tops) if self.tops else book.top
        return book
