"""Numbered rows without a gap or a duplicate: what comes early waits for what is missing before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Generic, TypeVar

from bateia.core import ConfigError

T = TypeVar("T")
ROOM = 100_000


@dataclass(slots=True)
class UnbrokenStats:
    """Counts since the start."""

    rows: int = 0
    gaps: int = 0
    """Times that a number was missing."""
    duplicates: int = 0
    lost: int = 0
    """Numbers that could not be had."""
    resets: int = 0
    """Times that the numbers began anew."""
    overflows: int = 0
    """Rows that waited, and were let go since they can be asked for again."""

    def line(self) -> str:
        """One line for a log.

        >>> UnbrokenStats(rows=9, gaps=1).line()
        'rows 9, gaps 1, duplicates 0, lost 0, resets 0, overflows 0'
        """
        return ", ".join(f"{name} {getattr(self, name)}" for name in self.__slots__)


@dataclass(eq=False)
class Unbroken(Generic[T]):
    """Puts numbered rows in order, each once. It does no I/O: it says what is missing.

    `number` rises by one from row to row, `time` never falls. A row with an old number and a new time begins
    a new count. At most `room` rows wait; beyond, those with the highest numbers are let go.

    >>> seam = Unbroken[int](number=lambda row: row, time=lambda row: row, due=4, newest=3)
    >>> seam.on(6), seam.missing, seam.on(4), seam.on(4), seam.on(5), seam.missing
    ([], (4, 6), [4], [], [5, 6], None)
    """

    number: Callable[[T], int]
    time: Callable[[T], int]
    due: int | None = None
    """The number that comes next; None before the first row, which may have any."""
    newest: int = -(2**62)
    """Time of the newest row so far: with `due`, where the rows before are already known."""
    room: int = ROOM
    stats: UnbrokenStats = field(default_factory=UnbrokenStats)
    _held: dict[int, T] = field(default_factory=dict)
    _order: list[int] = field(default_factory=list)
    _highest: int = -(2**62)
    """Of the numbers that wait."""

    def __post_init__(self) -> None:
        if self.room < 1:
            raise ConfigError(f"room for {self.room} rows", allowed="1 or more")

    @property
    def missing(self) -> tuple[int, int] | None:
        """The first missing number, and the first one after it that waits; None where nothing waits."""
        if self.due is None or not self._order:
            return None
        return self.due, self._order[0]

    def on(self, row: T) -> list[T]:
        """The rows that are due with this one, in order."""
        number = self.number(row)
        if self.due is None:
            self.due = number
        if number < self.due:
            if self.time(row) <= self.newest:
                self.stats.duplicates += 1
                return []
            self.stats.resets += 1
            self._held, self._order, self.due = {}, [], number
        if number > self.due:
            self._hold(number, row)
            return []
        return self._release(row)

    def give_up(self) -> list[T]:
        """The rows that waited, where what is missing before them cannot be had."""
        if self.missing is None:
            return []
        first, self.due = self.missing
        self.stats.lost += self.due - first
        heappop(self._order)
        return self._release(self._held.pop(self.due))

    def _hold(self, number: int, row: T) -> None:
        if number in self._held:
            self.stats.duplicates += 1
            return
        if not self._held:
            self.stats.gaps += 1
            self._highest = number
        if len(self._held) >= self.room:
            self.stats.overflows += 1
            if number > self._highest:
                return
            del self._held[self._highest]
            self._order = sorted(self._held)
            self._highest = max(self._held, default=number)
        self._held[number] = row
        self._highest = max(self._highest, number)
        heappush(self._order, number)

    def _release(self, row: T) -> list[T]:
        ready = [row]
        assert self.due is not None
        self.due += 1
        if self._order and self._order[0] < self.due:  # the row that waited has come again
            self.stats.duplicates += 1
            del self._held[heappop(self._order)]
        while self._order and self._order[0] == self.due:
            ready.append(self._held.pop(heappop(self._order)))
            self.due += 1
        self.newest = max(self.newest, self.time(ready[-1]))
        self.stats.rows += len(ready)
        return ready
