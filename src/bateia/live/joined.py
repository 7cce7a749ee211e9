"""Rows with names but no numbers, each once, across connections: shown to be whole, or not."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, TypeVar

T = TypeVar("T")
ROOM = 20_000
"""Names that are remembered."""


@dataclass(slots=True)
class JoinedStats:
    """Counts since the start."""

    rows: int = 0
    duplicates: int = 0
    late: int = 0
    """Rows that came after rows that should have come after them."""
    joins: int = 0
    """Connections whose rows were shown to follow those of the one before."""
    breaks: int = 0
    """Times that rows could not be shown to follow each other: some may be lost there."""

    def line(self) -> str:
        """One line for a log.

        >>> JoinedStats(rows=9, breaks=1).line()
        'rows 9, duplicates 0, late 0, joins 0, breaks 1'
        """
        return ", ".join(f"{name} {getattr(self, name)}" for name in self.__slots__)


@dataclass(eq=False)
class Joined(Generic[T]):
    """Puts rows after each other, each once. It does no I/O: it says when it wants the last rows.

    Within a connection nothing is missing, and within an answer of the last rows. After a connection was
    opened anew, its rows wait until an answer has both a row that is known and the first that waits: then it
    has all between them. `give_up` lets them follow without.

    >>> rows = Joined[int](name=lambda row: row, order=lambda row: row)
    >>> rows.on([1, 2]), rows.opened(), rows.on([6]), rows.wanted, rows.answered([2, 3, 4, 5, 6]), rows.wanted
    ([1, 2], None, [], True, [3, 4, 5, 6], False)
    """

    name: Callable[[T], Hashable]
    order: Callable[[T], Any]
    """What never falls from row to row."""
    stats: JoinedStats = field(default_factory=JoinedStats)
    newest: T | None = None
    """The row with which all that is known ends."""
    _names: dict[Hashable, None] = field(default_factory=dict)
    """Of rows that are known."""
    _held: dict[Hashable, T] = field(default_factory=dict)
    """Rows that wait."""
    _first: Hashable = None
    """The first of them that this connection has brought."""
    _loose: bool = False
    """Whether this connection's rows do not follow what is known yet."""
    _due: bool = False
    """Whether no answer has come since it was opened."""

    @property
    def wanted(self) -> bool:
        """Whether the last rows are wanted."""
        return self._loose and (self._due or bool(self._held))

    @property
    def waiting(self) -> T | None:
        """The first row that waits."""
        return min(self._held.values(), key=self.order, default=None)

    def opened(self) -> None:
        """A connection was opened: what it brings need not follow what came before."""
        self._loose = self._due = bool(self._names)
        self._first = None

    def on(self, rows: Sequence[T]) -> list[T]:
        """The rows that follow with these, which the connection has brought."""
        named = {self.name(row): row for row in rows}
        fresh = {one: row for one, row in named.items() if one not in self._names and one not in self._held}
        self.stats.duplicates += len(rows) - len(fresh)
        if self._loose and any(one in self._names for one in named):
            self._join()
        if not self._loose:
            return self._release() + self._follow(fresh)
        self._held |= fresh
        self._first = next(iter(named), None) if self._first is None else self._first
        return []

    def answered(self, rows: Sequence[T]) -> list[T]:
        """The rows that follow with an answer: the last ones that there are, oldest first."""
        self._due = False
        page = {self.name(row): row for row in rows}
        if not self._loose:
            return []
        begin = next((at for at, one in enumerate(page) if one in self._names), None)
        if begin is None:
            # Not long enough to reach what is known, but of use if nothing ever is.
            self._held = page | self._held
            return []
        # Of a row that came by both ways the one that was brought counts: it says when it came.
        after = dict(islice(page.items(), begin, None))
        fresh = {one: self._held.pop(one, row) for one, row in after.items() if one not in self._names}
        ready = self._follow(fresh)
        if self._first in self._names:
            self._join()
            ready += self._release()
        return ready

    def give_up(self) -> list[T]:
        """What waits, though some rows before it may be lost."""
        self.stats.breaks += 1
        self._loose = self._first is None
        return self._release()

    def _join(self) -> None:
        self.stats.joins += 1
        self._loose = False

    def _release(self) -> list[T]:
        held, self._held = self._held, {}
        return self._follow(dict(sorted(held.items(), key=lambda item: self.order(item[1]))))

    def _follow(self, rows: dict[Hashable, T]) -> list[T]:
        for row in rows.values():
            late = self.newest is not None and self.order(row) < self.order(self.newest)
            self.stats.late += late
            self.newest = self.newest if late else row
        self.stats.rows += len(rows)
        self._names |= dict.fromkeys(rows)
        if len(self._names) > 2 * ROOM:
            self._names = dict.fromkeys(list(self._names)[-ROOM:])
        return list(rows.values())
