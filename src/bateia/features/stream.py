"""A running plan: its buffers, its state, and the three ways to feed it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from bateia.core import Block, ConfigError, DataError
from bateia.core.events import Floats, Ints
from bateia.features.graph import Graph
from bateia.features.layout import LONGEST_LIVE, Layout
from bateia.features.snapshot import Snapshot
from bateia.kernels import driver

LIVE_BLOCK, BATCH_BLOCK = LONGEST_LIVE, 1024
_push: Callable[[Ints, Floats], int] = driver.push
_DONE = driver.DONE
FIRST_CAPACITY, _LARGEST_CAPACITY = 256, 1 << 22
_LARGEST_BLOCK = 1 << 22


Columns = Mapping[str, Floats | Ints]


def columns_of(block: Block | Columns) -> Columns:
    """A block's columns by name, or the columns as they are."""
    return block.columns() if isinstance(block, Block) else block


def given_columns(names: Sequence[str], block: Block | Columns) -> list[Floats]:
    """These columns of a block as contiguous float64 of one length.

    DataError where one is missing, of another length, or holds something else than numbers.
    """
    given = columns_of(block)
    missing = [name for name in names if name not in given]
    if missing:
        raise DataError(f"missing columns {missing}", allowed=", ".join(names))
    columns = [_numbers(name, given[name]) for name in names]
    if len({len(column) for column in columns}) > 1:
        raise DataError(f"columns of unequal length: {[len(column) for column in columns]}")
    return columns


def _numbers(name: str, value: object) -> Floats:
    try:
        column = np.asarray(value)
        if column.ndim != 1 or column.dtype.kind not in "biufO":
            raise TypeError
        return np.ascontiguousarray(column, np.float64)
    except (TypeError, ValueError):
        given = f"{value.dtype} of shape {value.shape}" if isinstance(value, np.ndarray) else repr(value)[:40]
        raise DataError(
            f"the column {name!r} is {given}", allowed="numbers in one dimension", hint="a float64 array"
        ) from None


def room_for(features: int, rows: int, out: Floats | None) -> Floats:
    """`out` where it fits, else fresh memory; DataError where it does not."""
    if out is None:
        return np.empty((features, rows))
    if out.shape != (features, rows) or out.dtype != np.float64 or not out.flags.c_contiguous:
        raise DataError(
            f"out is {out.dtype} of shape {out.shape}", allowed=f"C-ordered float64 {(features, rows)}"
        )
    return out


class Stream:
    """A plan in motion over one symbol; make it with `plan.start()` or `plan.restore(snapshot)`."""

    def __init__(self, graph: Graph, plan: str, block: int, capacity: int = FIRST_CAPACITY) -> None:
        if not isinstance(block, int | np.integer) or not 1 <= block <= _LARGEST_BLOCK:
            raise ConfigError(f"buffers of {block!r} rows", allowed=f"1 to {_LARGEST_BLOCK:,}")
        self.graph, self.plan, self.layout = graph, plan, Layout.of(graph, block, capacity)
        self._state = np.zeros(int(self.layout.state_at[-1]) + 1)
        self._ctrl = np.zeros(driver.CTRL_SIZE, np.int64)
        self._domains = np.zeros((len(self.graph.timeframes), 2), np.int64)
        self._latest = np.full(len(self.graph.outputs), np.nan)
        self._lay_out()

    def push(self, row: Floats) -> Floats:
        """One event: the plan's `columns` in order in, the features out; the next event overwrites them.

        One compiled call; float64, NaN while warming up. Raises DataError for a row of another length.
        """
        try:
            node = _push(self._ctrl, row)
        except Exception as error:  # what numba raises for other types is a page long
            raise self._no_row(f"a row that is {type(row).__name__}") from error
        while node != _DONE:
            if node == driver.WRONG:
                raise self._no_row(f"a row of {len(row)} values")
            self._grow(node)
            node = _push(self._ctrl, row)
        return self._latest

    def _no_row(self, given: str) -> DataError:
        columns = self.graph.columns
        return DataError(
            given,
            allowed=f"a float64 array of {len(columns)}, one for each column: {', '.join(columns)}",
            hint="np.array([bar[name] for name in plan.columns])",
        )

    @property
    def rows(self) -> int:
        """Events seen so far."""
        return int(self._ctrl[driver.ROWS])

    @property
    def capacity(self) -> int:
        """Rows that a duration window may hold before the stream grows."""
        return self.layout.capacity

    def run(self, block: Block | Columns, out: Floats | None = None) -> Floats:
        """A block of events of any length: columns by name in, (features, rows) out, each feature contiguous.

        `out`, of that shape, is filled and returned: reusing one saves the cost of fresh memory. Raises
        DataError where a column is missing or the lengths or `out` do not fit.
        """
        columns = given_columns(self.graph.columns, block)
        out = room_for(len(self._latest), len(columns[0]), out)
        self.fill(columns, list(out))
        return out

    def fill(self, columns: Sequence[Floats], rows: Sequence[Floats]) -> None:
        """As `run`: contiguous columns of the graph in, each feature into its contiguous row."""
        sources = np.array([driver.address(column) for column in columns], np.int64)
        targets = np.array([driver.address(row) for row in rows], np.int64)
        progress = np.zeros(1, np.int64)
        while (node := driver.run(self._ctrl, sources, targets, len(columns[0]), progress)) != _DONE:
            self._grow(node)

    def snapshot(self) -> Snapshot:
        """All that the stream remembers, the same bits however the rows so far were cut."""
        places, domains, _ = self.layout.history
        history = self._memory[places + self._domains[domains, 0]]
        # How much lies there that no window will reach depends on the cuts.
        history[self.layout.unread(self._reach())] = np.nan
        return Snapshot(self.plan, self.rows, self.layout.capacity, self._state.copy(), history)

    def load(self, snapshot: Snapshot) -> None:
        """Take over a snapshot's memory; `plan.restore` is the usual way in."""
        places = self.layout.history[0]
        if snapshot.state.shape != self._state.shape or snapshot.history.shape != places.shape:
            raise DataError(
                "the snapshot does not fit: it is broken, or of another version of Bateia",
                hint="a new snapshot, after the warm-up",
            )
        self._state[:] = snapshot.state
        self._memory[places] = snapshot.history
        self._ctrl[driver.ROWS] = snapshot.rows

    def _reach(self) -> int:
        """The most rows that a duration window holds now, and one."""
        slots, at = self.graph.slots, self.layout.state_at
        windows = [k for k, slot in enumerate(slots) if slot.operator and slot.operator.name == "rows_within"]
        return 1 + max((int(self._state[at[k]]) for k in windows), default=0)

    def _lay_out(self) -> None:
        """Fresh memory for the present layout, and its addresses in the control block."""
        layout, ctrl = self.layout, self._ctrl
        self._memory = layout.fresh.copy()
        rows, inputs, params = layout.nodes
        base, state = driver.address(self._memory), driver.address(self._state)
        program, inputs, params = rows.copy(), base + 8 * inputs, params.copy()
        program[:, 1:] *= 8
        program[:, 1:] += [driver.address(inputs), base, driver.address(params), state]
        buffers = layout.buffers.copy()
        buffers[:, 0] = base + 8 * buffers[:, 0]
        columns, outputs = base + 8 * layout.columns, base + 8 * layout.outputs
        # The control block holds addresses only: these arrays must live as long as the stream.
        self._tables = (program, inputs, params, buffers, columns, outputs)
        ctrl[driver.BLOCK] = layout.block
        ctrl[driver.N_DOMAINS] = len(self._domains)
        for table, place, count in (
            (program, driver.PROGRAM, None),
            (layout.stretches, driver.STRETCHES, driver.N_STRETCHES),
            (columns, driver.INPUTS, driver.N_INPUTS),
            (outputs, driver.OUTPUTS, driver.N_OUTPUTS),
            (buffers, driver.BUFFERS, driver.N_BUFFERS),
            (self._domains, driver.DOMAINS, None),
            (self._latest, driver.LATEST, None),
        ):
            ctrl[place] = driver.address(table)
            if count is not None:
                ctrl[count] = len(table)

    def _grow(self, node: int) -> None:
        """Double the rows that duration windows may hold, keeping every row remembered so far."""
        old, memory = self.layout, self._memory
        if old.capacity >= _LARGEST_CAPACITY:
            raise DataError(
                f"a duration window holds more than {old.capacity:,} rows (node {node})",
                allowed=f"at most {_LARGEST_CAPACITY:,}",
                hint="a shorter window or larger bars",
            )
        self.layout = Layout.of(self.graph, old.block, 2 * old.capacity)
        self._lay_out()
        for k, start in enumerate(old.start):
            kept, after = old.extent(k), self.layout.start[k] + self.layout.extent(k)
            self._memory[after - kept : after] = memory[start : start + kept]
