"""A stream that also sees other assets: each of their values joins ours once we could have known it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bateia.core import Block, DataError, nearest
from bateia.core.events import Floats, Ints
from bateia.features.compiler import KNOWN_AT
from bateia.features.graph import Graph
from bateia.features.snapshot import Snapshot, Waiting
from bateia.features.stream import FIRST_CAPACITY, Columns, Stream, columns_of, given_columns

_NEVER = -np.inf


class _Other:
    """Another asset's features in motion, and its values that wait to be met."""

    def __init__(self, graph: Graph, plan: str, block: int, capacity: int = FIRST_CAPACITY) -> None:
        self.stream = Stream(graph, plan, block, capacity)
        self.known_at = np.empty(0)
        self.values = np.empty((len(graph.outputs), 0))

    def feed(self, columns: Columns) -> None:
        if KNOWN_AT not in columns:
            raise DataError(f"another asset's rows without {KNOWN_AT!r}", allowed="bars with both clocks")
        (known,) = given_columns([KNOWN_AT], columns)
        unknown = np.flatnonzero(~np.isfinite(known))
        if len(unknown):  # it would be seen before anybody knew it
            given = f"row {unknown[0]} of another asset has the {KNOWN_AT} {known[unknown[0]]}"
            raise DataError(given, allowed="microseconds")
        given_columns([KNOWN_AT, *self.stream.graph.columns], columns)
        made = self.stream.run(columns)
        both = np.concatenate([self.known_at, known])
        # A row cannot be seen before those that came ahead of it.
        self.known_at = np.maximum.accumulate(both)
        self.values = np.concatenate([self.values, made], axis=1)

    def meet(self, known_at: Floats) -> Floats:
        """The newest value known at each of our rows: (features, rows), NaN before the first."""
        at = np.searchsorted(self.known_at, known_at, side="right")
        padded = np.concatenate([np.full((len(self.values), 1), np.nan), self.values], axis=1)
        met: Floats = padded[:, at]
        return met

    def forget(self, known_at: float) -> None:
        """Drop what no row after this moment can meet."""
        met = int(np.searchsorted(self.known_at, known_at, side="right")) - 1
        if met > 0:
            self.known_at, self.values = self.known_at[met:], self.values[:, met:]


class JoinedStream:
    """A plan in motion over one symbol beside others; the same verbs as `Stream`, and `feed`.

    `feed(symbol, block)` takes another asset's rows, in the order we learnt of them; `run` and `push` then
    see of them what was known by each row's own `known_at`, whichever way the rows were cut.
    """

    def __init__(self, graph: Graph, plan: str, block: int, snapshot: Snapshot | None = None) -> None:
        self.graph = graph
        self._stream = Stream(graph, plan, block, snapshot.capacity if snapshot else FIRST_CAPACITY)
        self._others = {}
        for symbol, other in graph.others.items():
            inner = snapshot.others[symbol].snapshot.capacity if snapshot else FIRST_CAPACITY
            self._others[symbol] = _Other(other, plan, block, inner)
        theirs = {name for other in graph.others.values() for name in other.outputs}
        self.columns = [name for name in graph.columns if name not in theirs]
        self._place = [graph.columns.index(name) for name in self.columns]
        self._known_at = _NEVER
        self._row = np.full(len(graph.columns), np.nan)
        if snapshot:
            self._load(snapshot)

    @property
    def rows(self) -> int:
        """Events of our own seen so far."""
        return self._stream.rows

    def feed(self, symbol: str, block: Block | Columns) -> None:
        """Rows of another asset; DataError for a symbol that no feature names."""
        if symbol not in self._others:
            known = list(self._others)
            raise DataError(
                f"rows of {symbol!r}", allowed=f"of {', '.join(known)}", hint=nearest(symbol, known)
            )
        self._others[symbol].feed(columns_of(block))

    def run(self, block: Block | Columns, out: Floats | None = None) -> Floats:
        """A block of our own rows: features (features, rows), as `Stream.run`."""
        columns: dict[str, Floats | Ints] = dict(
            zip(self.columns, given_columns(self.columns, block), strict=True)
        )
        reached = self._reached(np.asarray(columns[KNOWN_AT], np.float64))
        made = self._stream.run(columns | self._met(reached), out)
        self._passed(reached)
        return made

    def push(self, row: Floats) -> Floats:
        """One event of our own: `columns` in order in, the features out, as `Stream.push`."""
        (values,) = given_columns(["row"], {"row": row})
        if len(values) != len(self.columns):
            raise DataError(
                f"a row of {len(values)} values", allowed=f"{len(self.columns)}: {', '.join(self.columns)}"
            )
        self._row[self._place] = values
        reached = self._reached(values[[self.columns.index(KNOWN_AT)]])
        for name, value in self._met(reached).items():
            self._row[self.graph.columns.index(name)] = value[0]
        made = self._stream.push(self._row)
        self._passed(reached)
        return made

    def _reached(self, known_at: Floats) -> Floats:
        """What was known by each of our rows; an unknown moment is taken for the one before it."""
        usable = np.where(np.isfinite(known_at), known_at, _NEVER)
        return np.maximum.accumulate(np.concatenate([[self._known_at], usable]))[1:]

    def _met(self, reached: Floats) -> dict[str, Floats | Ints]:
        """The columns that other assets bring to our rows."""
        found: dict[str, Floats | Ints] = {}
        for symbol, other in self._others.items():
            found |= zip(self.graph.others[symbol].outputs, other.meet(reached), strict=True)
        return found

    def _passed(self, reached: Floats) -> None:
        """Our rows are done: only now is anything forgotten, so that rows refused can be given again."""
        if len(reached):
            self._known_at = float(reached[-1])
            for other in self._others.values():
                other.forget(self._known_at)

    def snapshot(self) -> Snapshot:
        """All that this stream and those of the other assets remember."""
        others = {
            symbol: Waiting(other.stream.snapshot(), other.known_at, other.values)
            for symbol, other in self._others.items()
        }
        return replace(self._stream.snapshot(), known_at=self._known_at, others=others)

    def _load(self, snapshot: Snapshot) -> None:
        self._stream.load(snapshot)
        self._known_at = snapshot.known_at
        for symbol, waiting in snapshot.others.items():
            other = self._others[symbol]
            other.stream.load(waiting.snapshot)
            other.known_at, other.values = waiting.known_at, waiting.values
