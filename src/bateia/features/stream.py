"""A running plan: its buffers, its state, and the three ways to feed it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bateia.core import DataError
from bateia.core.events import Floats, Ints
from bateia.features.graph import Graph
from bateia.kernels import driver

LIVE_BLOCK, BATCH_BLOCK = 256, 1024
_push: Callable[[Ints, Floats], int] = driver.push
_DONE = driver.DONE
_FIRST_CAPACITY, _LARGEST_CAPACITY = 256, 1 << 22


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Everything a stream remembers: compare it, save it, resume from it."""

    plan: str
    """The plan's hash: a snapshot fits no other."""
    rows: int
    capacity: int
    state: Floats
    history: Floats

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Snapshot) and (
            (self.plan, self.rows, self.capacity) == (other.plan, other.rows, other.capacity)
            and np.array_equal(self.state, other.state, equal_nan=True)
            and np.array_equal(self.history, other.history, equal_nan=True)
        )


class Stream:
    """A plan in motion over one symbol; make it with `plan.start()` or `plan.restore(snapshot)`."""

    def __init__(self, graph: Graph, plan: str, block: int, capacity: int = _FIRST_CAPACITY) -> None:
        self.graph, self.plan, self.block, self.capacity = graph, plan, block, capacity
        sizes = [slot.operator.state(slot.params) if slot.operator else 0 for slot in graph.slots]
        self._state_at = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        self._state = np.zeros(int(self._state_at[-1]) + 1)
        self._ctrl = np.zeros(driver.CTRL_SIZE, np.int64)
        self._latest = np.full(len(graph.outputs), np.nan)
        self._lay_out()

    def push(self, row: Floats) -> Floats:
        """One event: the plan's `columns` in order in, the features out; the next event overwrites them.

        One compiled call; float64, NaN while warming up. Raises DataError for a row of another length.
        """
        node = _push(self._ctrl, row)
        while node != _DONE:
            if node == driver.WRONG:
                columns = self.graph.columns
                raise DataError(
                    f"a row of {len(row)} values",
                    allowed=f"{len(columns)}, one for each column: {', '.join(columns)}",
                )
            self._grow(node)
            node = _push(self._ctrl, row)
        return self._latest

    @property
    def rows(self) -> int:
        """Events seen so far."""
        return int(self._ctrl[driver.ROWS])

    def run(self, block: Mapping[str, Floats | Ints], out: Floats | None = None) -> Floats:
        """A block of events of any length: columns by name in, (features, rows) out, each feature contiguous.

        `out`, of that shape, is filled and returned: reusing one saves the cost of fresh memory. Raises
        DataError where a column is missing or the lengths or `out` do not fit.
        """
        missing = [name for name in self.graph.columns if name not in block]
        if missing:
            raise DataError(f"missing columns {missing}", allowed=", ".join(self.graph.columns))
        columns = [np.ascontiguousarray(block[name], np.float64) for name in self.graph.columns]
        if len({len(column) for column in columns}) > 1:
            raise DataError(f"columns of unequal length: {[len(column) for column in columns]}")
        sources = np.array([driver.address(column) for column in columns], np.int64)
        shape = (len(self._latest), len(columns[0]))
        if out is None:
            out = np.empty(shape)
        elif out.shape != shape or out.dtype != np.float64 or not out.flags.c_contiguous:
            raise DataError(f"out is {out.dtype} of shape {out.shape}", allowed=f"C-ordered float64 {shape}")
        progress = np.zeros(1, np.int64)
        while (node := driver.run(self._ctrl, sources, out, progress)) != driver.DONE:
            self._grow(node)
        return out

    def snapshot(self) -> Snapshot:
        """All that the stream remembers, the same bits however the rows so far were cut."""
        at = int(self._ctrl[driver.OFFSET])
        kept = [buffer[at : at + depth] for buffer, depth in self._deep()]
        history = np.concatenate([*kept, np.empty(0)])
        history[self._unread()] = np.nan
        return Snapshot(self.plan, self.rows, self.capacity, self._state.copy(), history)

    def load(self, snapshot: Snapshot) -> None:
        """Take over a snapshot's memory; `plan.restore` is the usual way in."""
        self._state[:] = snapshot.state
        at = 0
        for buffer, depth in self._deep():
            buffer[:depth] = snapshot.history[at : at + depth]
            at += depth
        self._ctrl[driver.ROWS] = snapshot.rows

    def _unread(self) -> npt.NDArray[np.bool_]:
        """Where history lies that no window will reach: how much of it there is depends on the cuts."""
        slots = self.graph.slots
        windows = [k for k, slot in enumerate(slots) if slot.operator and slot.operator.name == "rows_within"]
        reach = 1 + max((int(self._state[self._state_at[k]]) for k in windows), default=0)
        pairs = zip(self._depths, self.graph.history, strict=True)
        ages = [np.arange(depth, 0, -1) > max(reach, rows) for depth, rows in pairs]
        return np.concatenate(ages)

    def _deep(self) -> list[tuple[Floats, int]]:
        """The buffers that keep history, and how many rows of it."""
        return [(b, d) for b, d in zip(self._buffers, self._depths, strict=True) if d]

    def _lay_out(self) -> None:
        """Allocate every buffer for the present capacity and write its addresses into the control block."""
        graph, deep = self.graph, self.capacity + 1
        pairs = zip(graph.history, graph.timed, strict=True)
        self._depths = [max(rows, deep) if timed else rows for rows, timed in pairs]
        fill = [np.nan if slot.value is None else slot.value for slot in graph.slots]
        self._buffers = [np.full(d + self.block, v) for d, v in zip(self._depths, fill, strict=True)]
        first = [driver.address(b) + 8 * d for b, d in zip(self._buffers, self._depths, strict=True)]
        self._tables = _Tables(graph, self, first)
        ctrl, tables = self._ctrl, self._tables
        ctrl[driver.NODES] = len(tables.program)
        ctrl[driver.N_INPUTS] = len(tables.inputs)
        ctrl[driver.N_OUTPUTS] = len(tables.outputs)
        ctrl[driver.N_BUFFERS] = len(tables.buffers)
        ctrl[driver.PROGRAM] = driver.address(tables.program)
        ctrl[driver.INPUTS] = driver.address(tables.inputs)
        ctrl[driver.OUTPUTS] = driver.address(tables.outputs)
        ctrl[driver.BUFFERS] = driver.address(tables.buffers)
        ctrl[driver.LATEST] = driver.address(self._latest)
        ctrl[driver.BLOCK] = self.block

    def _grow(self, node: int) -> None:
        """Double the rows that duration windows may hold, keeping every row remembered so far."""
        if self.capacity >= _LARGEST_CAPACITY:
            raise DataError(
                f"a duration window holds more than {self.capacity:,} rows (node {node})",
                allowed=f"at most {_LARGEST_CAPACITY:,}",
                hint="a shorter window or larger bars",
            )
        old = [(b, d) for b, d in zip(self._buffers, self._depths, strict=True)]
        self.capacity *= 2
        self._lay_out()
        for (before, depth), after, deeper in zip(old, self._buffers, self._depths, strict=True):
            after[deeper - depth :] = before


class _Tables:
    """The integer tables that the driver walks; they own the memory that `ctrl` points at."""

    def __init__(self, graph: Graph, stream: Stream, first: list[int]) -> None:
        rows: list[tuple[int, ...]] = []
        pointers: list[int] = []
        params: list[float] = []
        for k, slot in enumerate(graph.slots):
            if slot.operator is None:
                continue
            name_rows = slot.operator.name == "rows_within"
            values = (slot.params[0], float(stream.capacity)) if name_rows else slot.params
            rows.append((slot.operator.address, len(pointers), first[k], len(params), k))
            # A spare input: a kernel may name the window's rows where the window is a count.
            pointers += [first[j] for j in (*slot.inputs, slot.inputs[0])]
            params += [*values, 0.0]
        self.pointers = np.array(pointers, np.int64)
        self.params = np.array(params, np.float64)
        states = driver.address(stream._state)
        self.program = np.array(
            [
                (
                    function,
                    driver.address(self.pointers) + 8 * x,
                    out,
                    driver.address(self.params) + 8 * p,
                    states + 8 * int(stream._state_at[k]),
                )
                for function, x, out, p, k in rows
            ],
            np.int64,
        ).reshape(-1, 5)
        self.inputs = np.array([first[k] for k, s in enumerate(graph.slots) if s.column], np.int64)
        self.outputs = np.array([first[k] for k in graph.outputs.values()], np.int64)
        deep = [(first[k], d) for k, d in enumerate(stream._depths) if d]
        self.buffers = np.array(deep, np.int64).reshape(-1, 2)
