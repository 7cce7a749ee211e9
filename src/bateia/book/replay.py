"""Messages in, sampled books out: the one path of archives and of live feeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from bateia.book.component import Book, Snapshot, too_deep
from bateia.book.messages import Messages
from bateia.book.samples import Samples
from bateia.core import DataError, format_duration, format_time
from bateia.kernels import book as kernels

POLICIES = ("resync", "stop")
MOST_AT_ONCE = 256
LISTED = 50
_FEW = 16
_WORDS = {
    kernels.GAP: ("gap", "messages are missing: the id jumps"),
    kernels.JUMP: ("gap", "messages are missing before a snapshot: the id jumps"),
    kernels.CROSSED: ("crossed", "the best bid is at or above the best ask"),
    kernels.STALE: ("stale", "the id does not rise: a duplicate, or out of order"),
    kernels.SILENT: ("silence", "no message for longer than is sampled"),
}


@dataclass(frozen=True)
class Fault:
    """One thing wrong with the input: its kind, the line (from 1) where it showed, and what it was."""

    kind: str
    line: int
    what: str


@dataclass
class Faults:
    """How often each kind of fault came, and the first of them in full."""

    counts: dict[str, int] = field(default_factory=dict)
    listed: list[Fault] = field(default_factory=list)

    def add(self, kind: str, line: int, what: str) -> None:
        """Count one."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if len(self.listed) < LISTED:
            self.listed.append(Fault(kind, line, what))


class BookReplay:
    """A book that is sampled on the clock's grid; the cut of the messages never shows in the samples.

    A gap in the ids or a crossed book ends the samples until the next snapshot (policy `resync`) or is a
    DataError (`stop`); a message whose id does not rise is left out, unless it is later than the last one:
    then the ids are counted anew, which is a gap; a stretch without messages is
    sampled for `silence` microseconds, then no more. All of them are counted in `faults`. A time that
    runs backwards is always a DataError.

    >>> from bateia.book.component import single
    >>> book = Book(tick_size=0.1, depth=1)
    >>> replay = BookReplay(book, every=1_000_000)
    >>> first = replay.run(single(book, 1_500_000, 1, [[9.9, 1.0]], [[10.1, 3.0]], snapshot=True))
    >>> later = replay.run(single(book, 3_200_000, 2, [[9.9, 5.0]], []))
    >>> len(first), later.time.tolist(), later.bid_size.tolist()
    (0, [2000000, 3000000], [[1.0], [1.0]])
    """

    def __init__(
        self,
        kind: Book,
        every: int,
        silence: int = 60_000_000,
        policy: str = "resync",
        faults: Faults | None = None,
    ) -> None:
        if policy not in POLICIES:
            raise DataError(f"no policy {policy!r} for faults", allowed=" or ".join(POLICIES))
        if every < 1 or silence < 0:
            raise DataError(
                f"samples every {every} us, silence of {silence} us", allowed="positive durations"
            )
        self.book = kind.start()
        self.policy = policy
        self.faults = Faults() if faults is None else faults
        self.clock = np.zeros(kernels.CLOCK_INTS, np.int64)
        self.clock[kernels.TIME] = np.iinfo(np.int64).min // 2
        self._out = Samples.room(MOST_AT_ONCE, kind.depth)
        self.clock[kernels.STEP], self.clock[kernels.SILENCE] = every, silence
        self.clock[kernels.MOST] = kind.most

    @property
    def whole(self) -> bool:
        """Whether the book is to be trusted: a snapshot has come, and nothing broke since."""
        return bool(self.clock[kernels.VALID])

    @property
    def skipped(self) -> int:
        """Messages that were left out for want of a snapshot before them."""
        return int(self.clock[kernels.SKIPPED])

    @property
    def last_time(self) -> int:
        """Time of the last message that was applied, microseconds."""
        return int(self.clock[kernels.TIME])

    def snapshot(self) -> dict[str, npt.NDArray[Any]]:
        """The book and the clock as arrays; counted faults are not part of it."""
        return {**self.book.snapshot(), "clock": self.clock.copy()}

    def restore(self, snapshot: Snapshot) -> None:
        """Go on where `snapshot()` was taken; DataError for arrays that are none of a replay."""
        clock = np.asarray(snapshot.get("clock", ()))
        if clock.shape != self.clock.shape:
            raise DataError("the snapshot is none of a replay", allowed="what `BookReplay.snapshot()` gives")
        self.book = self.book.kind.restore(snapshot)
        self.clock[:] = clock

    def run(self, messages: Messages) -> Samples:
        """The samples that these messages complete; DataError by policy, or for times that run backwards."""
        return self._joined(list(self.blocks(messages)))

    def blocks(self, messages: Messages) -> Iterator[Samples]:
        """The same a few at a time, however many they are."""
        row, rows = 0, len(messages)
        while row < rows:
            out = self._room(messages, row)
            row, count, status = kernels.book_replay(
                row,
                len(out),
                messages.time,
                messages.ids,
                messages.kinds,
                messages.first,
                messages.middle,
                messages.ticks,
                messages.sizes,
                self.book.multiple,
                self.book.scale,
                self.clock,
                *self.book.state,
                *out.columns().values(),
            )
            if count:
                yield _copy(out[:count]) if out is self._out else out[:count]
            if status == kernels.GROW:
                levels = int(messages.first[row + 1] - messages.first[row]) + max(self.book.levels)
                self.book.grow(levels)
            elif status not in (kernels.DONE, kernels.FULL):
                self._fault(status, messages, row)

    def _room(self, messages: Messages, row: int) -> Samples:
        """Room for samples: new where many come, else what is copied from."""
        due = int(messages.time[-1] - messages.time[row]) // int(self.clock[kernels.STEP]) + 1
        if due < _FEW:
            return self._out
        return Samples.room(min(due, MOST_AT_ONCE), self.book.kind.depth)

    def advance(self, now: int) -> Samples:
        """The samples due at `now` or before, no message before `now` being still to come."""
        made: list[Samples] = []
        out = self._out
        while True:
            state = (self.book.multiple, self.book.scale, self.clock, *self.book.state)
            count = kernels.book_advance(now, MOST_AT_ONCE, *state, *out.columns().values())
            if count:
                made.append(_copy(out[:count]))
            if count < MOST_AT_ONCE:
                return self._joined(made)

    def broken(self, line: int, kind: str, what: str) -> None:
        """Count a fault that leaves the book not whole until the next snapshot; DataError by policy."""
        self.faults.add(kind, line, what)
        self.clock[kernels.VALID] = 0
        if self.policy == "stop":
            raise DataError(f"line {line}: {what}", allowed="unbroken messages", hint="the policy resync")

    def _fault(self, status: int, messages: Messages, row: int) -> None:
        at = row if status in (kernels.SILENT, kernels.JUMP) else row - 1
        line, time = int(messages.line[at]), int(messages.time[at])
        if status == kernels.BACKWARDS:
            raise DataError(
                f"line {line}: {format_time(time)} comes after {format_time(self.last_time)}",
                allowed="times that do not run backwards",
            )
        if status == kernels.DEEP:
            raise too_deep(max(self.book.levels), self.book.kind.most, f"line {line}: ")
        kind, what = _WORDS[status]
        if status in (kernels.GAP, kernels.JUMP):
            what += f" from {self.clock[kernels.ID]} to {messages.ids[at]}"
        if status == kernels.SILENT:
            what = f"no message for {format_duration(time - self.last_time)}"
        if status in (kernels.GAP, kernels.JUMP, kernels.CROSSED):
            self.broken(line, kind, what)
        else:
            self.faults.add(kind, line, what)

    def _joined(self, made: list[Samples]) -> Samples:
        if not made:
            return Samples.room(0, self.book.kind.depth)
        return made[0] if len(made) == 1 else Samples.concat(made)


def _copy(samples: Samples) -> Samples:
    return Samples(*(column.copy() for column in samples.columns().values()))
