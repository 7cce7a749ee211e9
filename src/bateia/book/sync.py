"""Binance's order-book protocol as a state machine: diffs and snapshots in, an exact book and events out.

It does no I/O: it says when it wants a REST snapshot, and whoever holds the connection brings one.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Literal, Protocol

from pydantic import Field

from bateia.book.binance import Depth, Diff, parse_message
from bateia.book.sync_events import Event, Kind, Stats
from bateia.core import INT32, Component, DataError, Duration
from bateia.core.clock import MINUTE, SECOND, format_duration
from bateia.core.events import Floats

State = Literal["waiting", "buffering", "in sync"]


class Book(Protocol):
    """What is kept in sync: levels are (n, 2) of price and size."""

    def apply_snapshot(self, bids: Floats, asks: Floats) -> object:
        """Forget all levels, then hold these."""

    def apply_delta(self, bids: Floats, asks: Floats) -> object:
        """Set the size of these levels; size 0 removes one, known or not."""

    @property
    def crossed(self) -> bool:
        """Whether the best bid is not below the best ask."""


class Synchroniser(Component):
    """Keeps a book in sync with a stream of depth diffs.

    Diffs are buffered until a snapshot is there. Of the buffer, those that end before the snapshot are
    dropped: `u <= lastUpdateId` on spot, `u < lastUpdateId` on futures, as Binance documents each. The first
    that is applied holds the snapshot's id: `U <= lastUpdateId + 1 <= u` on spot, `U <= lastUpdateId <= u` on
    futures. From then on each begins where the one before it ended: `U == u + 1` on spot, `pu == u` on
    futures. On futures a snapshot may also lie between two diffs, `pu <= lastUpdateId < U`: the documents do
    not name the case, but ids skip between diffs, and such a snapshot misses nothing.

    Source: Binance API documentation, "How to manage a local order book correctly", one page a market.
    """

    market: Literal["spot", "futures"]
    """`spot`, or `futures` for USD-M and COIN-M alike."""
    buffer: int = Field(default=10_000, ge=1, le=INT32)
    """Most diffs kept while a snapshot is awaited; the oldest go first."""
    patience: Duration = 10 * SECOND
    """How long a snapshot may be ahead of the diffs before it is held to be wrong."""
    silence: Duration = MINUTE
    """Time between two diffs that is told as an event."""

    def start(self, book: Book) -> SyncStream:
        """A fresh machine, which writes to `book`."""
        return SyncStream(self, book)


@dataclass(eq=False)
class SyncStream:
    """One book in the making. While `state` is `in sync`, the book is exact as of `update_id`.

    `waiting`: no diff yet. `buffering`: diffs are kept, a snapshot is wanted. `in sync`: diffs are applied as
    they come; a gap, ids that jump back or a crossed book lead back to `buffering`.
    """

    kind: Synchroniser
    book: Book
    state: State = "waiting"
    update_id: int | None = None
    """Last update in the book; None until it is in sync."""
    time: int = -(2**62)
    """When Binance sent the newest diff, microseconds UTC, held where that falls back."""
    symbol: str = ""
    stats: Stats = field(default_factory=Stats)
    _buffer: deque[Diff] = field(default_factory=deque)
    _newest: Diff | None = None
    _early: Depth | None = None
    _snapshot_at: int | None = None
    """When the snapshot came that no applied diff has met yet."""

    @property
    def wants_snapshot(self) -> bool:
        """Whether a REST snapshot asked for now would be used; one asked for before the first diff is not."""
        return self.state == "buffering"

    def on_text(self, text: str | bytes, received: int) -> list[Event]:
        """What a message as it came did: other kinds are left out, and what cannot be read is told."""
        try:
            message = parse_message(text, self.symbol)
        except DataError as error:
            self.stats.unreadable += 1
            return [Event("unreadable", received, 0, str(error))]
        if isinstance(message, Diff):
            return self.on_diff(message, received)
        return self.on_snapshot(message, received) if isinstance(message, Depth) else []

    def on_diff(self, diff: Diff, received: int) -> list[Event]:
        """What a diff did; DataError for another symbol's, another market's, or what the book refuses."""
        self._check(diff)
        events = self._clock(diff, received)
        wrong = self._place(diff)
        if wrong == "old":
            return [*events, self._dropped(diff, received, "its ids came before")]
        self._newest, self.time = diff, max(self.time, diff.time)
        if wrong is not None:
            events += self._lost(diff, received, *wrong)
        if self.state == "in sync":
            return events + self._apply(diff, received)
        events += self._keep(diff, received)
        if self._early is not None:
            snapshot, self._early = self._early, None
            events += self._bootstrap(snapshot, received)
        return events

    def on_snapshot(self, snapshot: Depth, received: int) -> list[Event]:
        """What a REST snapshot did: one that comes before any diff is kept until the first.

        DataError for another symbol's, or what the book refuses.
        """
        if self.symbol and snapshot.symbol and snapshot.symbol != self.symbol:
            raise _other(snapshot.symbol, self.symbol)
        if self.state == "in sync":
            return [Event("ignored", received, snapshot.last, "the book is in sync")]
        if self.state == "waiting":
            self._early = snapshot
            return []
        return self._bootstrap(snapshot, received)

    def _check(self, diff: Diff) -> None:
        if self.symbol and diff.symbol != self.symbol:
            raise _other(diff.symbol, self.symbol)
        if (diff.previous is None) != (self.kind.market == "spot"):
            has = "without" if diff.previous is None else "with"
            other = "futures" if self.kind.market == "spot" else "spot"
            raise DataError(
                f"a diff {has} 'pu' in a book of {self.kind.market}",
                allowed="spot: U and u; futures: U, u and pu",
                hint=f'market="{other}" (--exchange binance-{other})',
            )
        self.symbol = diff.symbol

    def _clock(self, diff: Diff, received: int) -> list[Event]:
        stats = self.stats
        quiet = stats.silence(received)
        stats.messages += 1
        stats.received = received
        stats.lag = received - diff.time
        stats.lag_total += stats.lag
        stats.lag_most = max(stats.lag_most, stats.lag)
        stats.silence_most = max(stats.silence_most, quiet)
        if quiet <= self.kind.silence:
            return []
        stats.silences += 1
        return [Event("silence", received, diff.last, f"no diff for {format_duration(quiet)}")]

    def _place(self, diff: Diff) -> Literal["old"] | tuple[Kind, str] | None:
        """Where a diff stands in the stream: None where it is due, whatever the snapshot."""
        newest = self._newest
        if newest is None or self._follows(diff, newest.last):
            return None
        if diff.last > newest.last:
            return "gap", f"{_ids(diff)} after {_ids(newest)}"
        # Said twice or late, it is as old as it looks; a new message with old ids is a new count.
        if diff.time <= newest.time:
            return "old"
        return "reset", f"{_ids(diff)}, sent after {_ids(newest)}"

    def _follows(self, diff: Diff, last: int) -> bool:
        return diff.first == last + 1 if diff.previous is None else diff.previous == last

    def _lost(self, diff: Diff, received: int, kind: Kind, detail: str) -> list[Event]:
        """A break: what is buffered before it can never meet a snapshot after it."""
        if kind == "gap":
            self.stats.gaps += 1
        elif kind == "reset":
            self.stats.resets += 1
        self._buffer.clear()
        self._snapshot_at = None
        self.update_id = None
        self.state = "buffering"
        return [Event(kind, received, diff.last, detail), Event("wanted", received, diff.last)]

    def _keep(self, diff: Diff, received: int) -> list[Event]:
        events = []
        if self.state == "waiting":
            self.state = "buffering"
            if self._early is None:
                events.append(Event("wanted", received, diff.last))
        self._buffer.append(diff)
        if len(self._buffer) > self.kind.buffer:
            gone = self._buffer.popleft()
            self.stats.overflows += 1
            events.append(Event("overflow", received, gone.last, f"{self.kind.buffer} diffs and no snapshot"))
        return events

    def _bootstrap(self, snapshot: Depth, received: int) -> list[Event]:
        """The snapshot, then what is buffered after it."""
        first = self._buffer[0]
        if not self._reaches(snapshot.last, first):
            self.stats.stale += 1
            detail = f"the snapshot {snapshot.last} is before {_ids(first)}"
            return [Event("stale", received, snapshot.last, detail), Event("wanted", received, snapshot.last)]
        self.book.apply_snapshot(snapshot.bids, snapshot.asks)
        if self.book.crossed:
            return self._crossed(received, snapshot.last)
        self.state, self.update_id, self._snapshot_at = "in sync", snapshot.last, received
        self.stats.synced += 1
        events = [Event("in sync", received, snapshot.last)]
        while self._buffer and self.state == "in sync":
            events += self._apply(self._buffer.popleft(), received)
        return events

    def _reaches(self, last: int, diff: Diff) -> bool:
        """Whether a snapshot at `last` holds all that came before the diff."""
        if diff.previous is None:
            return diff.first <= last + 1
        return diff.first <= last or diff.previous <= last

    def _apply(self, diff: Diff, received: int) -> list[Event]:
        """A diff in its place, or dropped for being in the snapshot already."""
        at = self.update_id
        assert at is not None
        if self._snapshot_at is not None:
            if diff.last < at or (diff.previous is None and diff.last == at):
                if received - self._snapshot_at > self.kind.patience:
                    return self._ahead(diff, received)
                return [self._dropped(diff, received, "in the snapshot already")]
            self._snapshot_at = None
        try:
            self.book.apply_delta(diff.bids, diff.asks)
        except DataError:
            self._stop(diff)
            raise
        if self.book.crossed:
            self._stop(diff)
            return self._crossed(received, diff.last)
        self.update_id = diff.last
        self.stats.applied += 1
        return [Event("applied", received, diff.last)]

    def _dropped(self, diff: Diff, received: int, why: str) -> Event:
        self.stats.dropped += 1
        return Event("dropped", received, diff.last, f"{_ids(diff)}: {why}")

    def _stop(self, diff: Diff) -> None:
        """Out of sync, with this diff the first to be applied again after a snapshot."""
        self._buffer.appendleft(diff)
        self.state, self.update_id, self._snapshot_at = "buffering", None, None

    def _crossed(self, received: int, update_id: int) -> list[Event]:
        self.stats.crossed += 1
        detail = "the best bid is not below the best ask"
        return [Event("crossed", received, update_id, detail), Event("wanted", received, update_id)]

    def _ahead(self, diff: Diff, received: int) -> list[Event]:
        self.stats.stale += 1
        detail = f"the snapshot {self.update_id} is still ahead of {_ids(diff)}"
        self._stop(diff)
        return [Event("stale", received, diff.last, detail), Event("wanted", received, diff.last)]


def _ids(diff: Diff) -> str:
    return f"{diff.first}..{diff.last}"


def _other(found: str, own: str) -> DataError:
    return DataError(f"a message of {found} in the book of {own}", allowed=own, hint="one machine a symbol")
