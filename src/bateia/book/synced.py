"""Binance's messages in, sampled books out: the synchroniser and the replay as one."""

from __future__ import annotations

from collections.abc import Iterable

from bateia.book.binance import Depth, Diff, Message
from bateia.book.component import Book, single
from bateia.book.replay import BookReplay
from bateia.book.samples import Samples
from bateia.book.sync import Synchroniser, SyncStream
from bateia.book.sync_events import Event
from bateia.core import DataError
from bateia.core.clock import MINUTE
from bateia.core.events import Floats

_BREAKS = ("gap", "reset", "stale")
_COUNTED = (*_BREAKS, "overflow", "unreadable")


class SyncedReplay:
    """A book of Binance, kept in sync and sampled, live and from recordings alike.

    Times are Binance's, held where they fall back. Samples begin with the first diff that meets a snapshot,
    since the snapshot itself may be ahead of the diffs, and not before the snapshot came, since none could
    have been known; from a gap, a reset or a crossed book to the next snapshot there are none.
    `replay.faults` counts what was wrong, and the line of a fault is the number of its message, from 1;
    `sync.stats` has the rest.

    >>> from bateia.book.binance import parse_message
    >>> replay = SyncedReplay(Synchroniser(market="spot"), Book(tick_size=0.1, depth=1), every=1_000_000)
    >>> diff = '{"e":"depthUpdate","E":1500,"s":"A","U":1,"u":5,"b":[["9.9","2"]],"a":[]}'
    >>> early = replay.on(parse_message(diff), 0)
    >>> depth = '{"lastUpdateId":4,"bids":[["9.9","1"]],"asks":[["10.1","3"]]}'
    >>> early = replay.on(parse_message(depth), 0)
    >>> replay.advance(2_000_000).bid_size.tolist()
    [[2.0]]
    """

    def __init__(
        self, sync: Synchroniser, kind: Book, every: int, silence: int = MINUTE, policy: str = "resync"
    ) -> None:
        self.replay = BookReplay(kind, every, silence, policy)
        self.sync: SyncStream = sync.start(self)
        self._written = 0
        self._snapshot: tuple[Floats, Floats] | None = None
        """One that no diff has met yet."""
        self._made: list[Samples] = []
        self._none = self.replay.advance(0)
        self.read = 0
        """Diffs, snapshots and texts so far."""

    def on(self, message: Message | None, received: int) -> Samples:
        """The samples that a message completes, none for other kinds than diffs and snapshots.

        DataError for another symbol's or market's, for prices off the grid, or by policy.
        """
        self._take(message, received)
        return self._taken()

    def run(self, messages: Iterable[tuple[int, str, Message]]) -> Samples:
        """The samples that these messages complete, as `read_recording` gives them; DataError as `on`."""
        for received, _, message in messages:
            self._take(message, received)
        return self._taken()

    def on_text(self, text: str | bytes, received: int) -> Samples:
        """As `on`, from a message as it came; one that cannot be read is a fault that is counted."""
        self.read += 1
        self._told(self.sync.on_text(text, received))
        return self._taken()

    def advance(self, now: int) -> Samples:
        """The samples due at `now` or before, no message before `now` being still to come."""
        return self.replay.advance(now)

    def apply_snapshot(self, bids: Floats, asks: Floats) -> None:
        """For the synchroniser alone, as the next two."""
        self._snapshot = bids, asks

    def apply_delta(self, bids: Floats, asks: Floats) -> None:
        """For the synchroniser."""
        if self._snapshot is not None:
            self._write(*self._snapshot, snapshot=True)
            self._snapshot = None
        self._write(bids, asks, snapshot=False)

    @property
    def crossed(self) -> bool:
        """For the synchroniser."""
        if self._snapshot is None:
            return self.replay.book.crossed
        bids, asks = self._snapshot
        return bool(len(bids) and len(asks) and bids[:, 0].max() >= asks[:, 0].min())

    def _write(self, bids: Floats, asks: Floats, *, snapshot: bool) -> None:
        self._written += 1
        try:
            message = single(self.replay.book.kind, self.sync.time, self._written, bids, asks, snapshot)
            samples = self.replay.run(message)
        except DataError as error:
            if self.replay.whole:
                self.replay.broken(self.read, "refused", str(error))
            raise
        if len(samples):
            self._made.append(samples)

    def _take(self, message: Message | None, received: int) -> None:
        if isinstance(message, Diff):
            self.read += 1
            self._told(self.sync.on_diff(message, received))
        elif isinstance(message, Depth):
            self.read += 1
            self._told(self.sync.on_snapshot(message, received))

    def _told(self, events: list[Event]) -> None:
        for event in events:
            if event.kind in _BREAKS and self.replay.whole and self.sync.state != "in sync":
                self.replay.broken(self.read, event.kind, event.detail)
            elif event.kind in _COUNTED:
                self.replay.faults.add(event.kind, self.read, event.detail)

    def _taken(self) -> Samples:
        made, self._made = self._made, []
        return Samples.concat(made) if made else self._none
