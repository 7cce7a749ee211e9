"""Where everything of a stream lies in its memory: worked out once a plan, then only addresses are added."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from bateia.core.events import Bools, Floats, Ints
from bateia.features.graph import Graph
from bateia.kernels import driver

LONGEST_LIVE = 256
"""Rows of a block up to which a stream is taken to be fed event by event."""


@dataclass(frozen=True, eq=False)
class Layout:
    """The memory of a stream with buffers of `block` rows whose duration windows hold `capacity`.

    One array holds every slot's buffer, history first; all places are in rows of 8 bytes from its start.
    """

    graph: Graph
    block: int
    capacity: int
    depth: list[int] = field(init=False)
    """Rows of history of each slot."""
    start: list[int] = field(init=False)
    """Where each slot's history begins."""
    size: int = field(init=False)

    @classmethod
    def of(cls, graph: Graph, block: int, capacity: int) -> Layout:
        """The layout, made once and shared by every stream of the graph."""
        if (block, capacity) not in graph.layouts:
            graph.layouts[block, capacity] = cls(graph, block, capacity)
        found: Layout = graph.layouts[block, capacity]
        return found

    def __post_init__(self) -> None:
        depth, start, at = [], [], 0
        for slot, rows, timed in zip(self.graph.slots, self.graph.history, self.graph.timed, strict=True):
            depth.append(max(rows, self.capacity + 1) if timed else rows)
            start.append(at)
            # A row may end two bars of a timeframe: the one before it, and its own.
            at += depth[-1] + (2 if slot.domain else 1) * self.block
        for name, value in (("depth", depth), ("start", start), ("size", at)):
            object.__setattr__(self, name, value)

    @cached_property
    def zero(self) -> list[int]:
        """Where row 0 of each slot lies."""
        return [start + depth for start, depth in zip(self.start, self.depth, strict=True)]

    @cached_property
    def fresh(self) -> Floats:
        """The memory before the first row: constants, and NaN for all that has not come yet."""
        memory = np.full(self.size, np.nan)
        for k, slot in enumerate(self.graph.slots):
            if slot.value is not None:
                memory[self.start[k] : self.start[k] + self.extent(k)] = slot.value
        return memory

    def extent(self, slot: int) -> int:
        """How many rows a slot's buffer has, history included."""
        after = self.start[slot + 1] if slot + 1 < len(self.start) else self.size
        return after - self.start[slot]

    @cached_property
    def state_at(self) -> Ints:
        """Where each slot's state begins in the stream's state, and at last its size."""
        slots = self.graph.slots
        sizes = [slot.operator.state(slot.params) if slot.operator else 0 for slot in slots]
        return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)

    @cached_property
    def nodes(self) -> tuple[Ints, Ints, Floats]:
        """The program's rows (function, inputs, out, parameters, state), the inputs' places, the parameters.

        Of the rows only the function is an address; the others are places in the tables and the memory.
        """
        rows: list[tuple[int, ...]] = []
        inputs: list[int] = []
        params: list[float] = []
        for k in self.order:
            slot = self.graph.slots[k]
            assert slot.operator is not None
            windows = slot.operator.name == "rows_within"
            values = (slot.params[0], float(self.capacity)) if windows else slot.params
            rows.append(
                (slot.operator.address, len(inputs), self.zero[k], len(params), int(self.state_at[k]))
            )
            # A spare input: a kernel may name the window's rows where the window is a count.
            inputs += [self.zero[j] for j in (*slot.inputs, slot.inputs[0])]
            params += [*values, 0.0]
        return np.array(rows, np.int64).reshape(-1, 5), np.array(inputs, np.int64), np.array(params)

    @cached_property
    def columns(self) -> Ints:
        """Where row 0 of each input column lies."""
        return np.array([self.zero[k] for k, s in enumerate(self.graph.slots) if s.column], np.int64)

    @cached_property
    def outputs(self) -> Ints:
        """Where row 0 of each feature lies."""
        return np.array([self.zero[k] for k in self.graph.outputs.values()], np.int64)

    @cached_property
    def buffers(self) -> Ints:
        """A row (place of row 0, rows of history, domain) for each slot that keeps history."""
        slots = enumerate(self.graph.slots)
        rows = [(self.zero[k], self.depth[k], slot.domain) for k, slot in slots if self.depth[k]]
        return np.array(rows, np.int64).reshape(-1, 3)

    @cached_property
    def history(self) -> tuple[Ints, Ints, Ints]:
        """Of every row of history: its place, its domain, and its age in rows."""
        parts = [(zero - np.arange(depth, 0, -1), domain, depth) for zero, depth, domain in self.buffers]
        nothing = np.empty(0, np.int64)
        return (
            np.concatenate([nothing, *(places for places, _, _ in parts)]),
            np.concatenate([nothing, *(np.full(depth, domain) for _, domain, depth in parts)]),
            np.concatenate([nothing, *(np.arange(depth, 0, -1) for _, _, depth in parts)]),
        )

    def unread(self, reach: int) -> Bools:
        """Which history no count window reaches, nor a duration window that holds `reach` rows."""
        counted = np.array([n for n, depth in zip(self.graph.history, self.depth, strict=True) if depth])
        nearest = np.repeat(np.maximum(counted, reach), self.buffers[:, 1])
        return np.asarray(self.history[2] > nearest)

    @cached_property
    def stretches(self) -> Ints:
        """Runs of nodes that the driver walks alike: rows (kind, domain, first, end)."""
        found: list[tuple[int, int, int, int]] = []
        for k in self.order:
            kind, domain = self._walked(k)
            at = found[-1][3] if found else 0
            if kind != driver.ENDS and found and found[-1][:2] == (kind, domain):
                found[-1] = (*found[-1][:3], at + 1)
            else:
                found.append((kind, domain, at, at + 1))
        return np.array(found, np.int64).reshape(-1, 4)

    def _walked(self, k: int) -> tuple[int, int]:
        """How the driver walks a slot's node: the kind of its stretch, and the domain."""
        slot = self.graph.slots[k]
        match slot.operator and slot.operator.name:
            case "bar_ends":
                return driver.ENDS, self.graph.timeframes.index(int(slot.params[0]))
            case "bar_of":
                return driver.INTO, slot.domain
            case "held":
                return driver.OUT_OF, self.graph.slots[slot.inputs[0]].domain
            case _:
                return driver.WITHIN, slot.domain

    @cached_property
    def order(self) -> list[int]:
        """The slots with a node, each after its inputs.

        As compiled where blocks are long: what a node reads is still in the cache. Where they are short, as
        in live streams, nodes of one operator in a row: the processor foresees the same call again.
        """
        nodes = [k for k, slot in enumerate(self.graph.slots) if slot.operator]
        if self.block > LONGEST_LIVE:
            return nodes
        waits = {k: {j for j in self.graph.slots[k].inputs if self.graph.slots[j].operator} for k in nodes}
        users: dict[int, list[int]] = {}
        for k, inputs in waits.items():
            for j in inputs:
                users.setdefault(j, []).append(k)
        ready: dict[tuple[str, int, int], list[int]] = {}
        for k in nodes:
            if not waits[k]:
                ready.setdefault(self._alike(k), []).append(k)
        found: list[int] = []
        while ready:
            alike = max(ready, key=lambda key: (len(ready[key]), key))
            batch = ready.pop(alike)
            for k in batch:  # grows while nodes of the same operator become ready
                found.append(k)
                for user in users.get(k, ()):
                    waits[user].discard(k)
                    if not waits[user]:
                        key = self._alike(user)
                        (batch if key == alike else ready.setdefault(key, [])).append(user)
        return found

    def _alike(self, k: int) -> tuple[str, int, int]:
        operator = self.graph.slots[k].operator
        assert operator is not None
        return operator.name, *self._walked(k)
