"""A plan: named features over columns, compiled once, run over history or live."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, TypeAlias

from bateia.core import Block, ConfigError, DataError, nearest
from bateia.core.events import BAR_COLUMNS, BOOK_COLUMNS, LEVEL_COLUMNS, Floats
from bateia.features.compiler import build
from bateia.features.crew import Crew, shares
from bateia.features.expression import Expr
from bateia.features.graph import Graph, Warmup
from bateia.features.joined import JoinedStream
from bateia.features.snapshot import Snapshot
from bateia.features.stream import BATCH_BLOCK, FIRST_CAPACITY, LIVE_BLOCK, Columns, Stream

AGENT_COLUMNS = ("buy_concentration", "sell_concentration")
"""Herfindahl index, 0 to 1, of who bought and who sold the bar's volume, where trades name their agents."""
KNOWN_COLUMNS = (*BAR_COLUMNS, *BOOK_COLUMNS, *LEVEL_COLUMNS, *AGENT_COLUMNS)
AnyStream: TypeAlias = Stream | JoinedStream


class Plan:
    """Named causal features compiled to one graph; a batch is a big block, live a block of one.

    `features` maps names to expressions (text or objects); they may use each other. `columns` are the
    input columns there are; `plan.columns` those it needs. Raises ExpressionError.

    >>> import numpy as np
    >>> plan = Plan({"up": "diff(close, 1) > 0", "trend": "ema(close, 3) / close - 1"})
    >>> plan.columns, plan.warmup
    (['close'], {'up': Warmup(rows=1, micros=0), 'trend': Warmup(rows=2, micros=0)})
    >>> plan.run({"close": np.array([1.0, 2.0, 3.0, 2.0])})["up"]
    array([nan, 1., 1., 0.])
    """

    def __init__(self, features: Mapping[str, Expr | str], columns: Sequence[str] = BAR_COLUMNS) -> None:
        if not features:
            raise ConfigError("a plan without features", allowed="at least one name: expression")
        self.features = {name: str(expr) for name, expr in features.items()}
        self._given, self._columns = dict(features), tuple(columns)
        self.graph = build(self._given, self._columns)
        if not self.graph.columns:
            raise ConfigError("features that look at no column", hint="close, or another of the columns")
        self.names = list(self.features)
        theirs = {name for other in self.graph.others.values() for name in other.outputs}
        self.columns = [name for name in self.graph.columns if name not in theirs]

    @property
    def others(self) -> list[str]:
        """The symbols of other assets that features look at, by `of(symbol, x)`."""
        return list(self.graph.others)

    @property
    def warmup(self) -> dict[str, Warmup]:
        """How long each feature is NaN from the start of the stream."""
        return {name: self.graph.warmups[slot] for name, slot in self.graph.outputs.items()}

    @cached_property
    def hash(self) -> str:
        """Content hash of what is computed, hex: names, operators, parameters, inputs."""
        return hashlib.sha256(json.dumps(_described(self.graph)).encode()).hexdigest()

    def run(
        self,
        block: Block | Columns,
        out: Floats | None = None,
        others: Mapping[str, Block | Columns] | None = None,
        threads: int = 1,
    ) -> dict[str, Floats]:
        """Every feature over a whole history: float64 arrays of its length, NaN in the warm-up.

        `out` of shape (features, rows) is filled where given; the arrays are its rows. `others` holds the
        histories of the assets that features look at by `of(...)`; DataError where one is missing. With
        more `threads` the features are shared out among them, for the same bits; those with others are not.
        """
        if threads > 1 and not self.others:
            return dict(zip(self.names, self.crew(threads).run(block, out), strict=True))
        stream, others = self.start(BATCH_BLOCK), others or {}
        missing = [symbol for symbol in self.others if symbol not in others]
        if missing:
            raise DataError(f"no rows of {', '.join(missing)}", hint=f"others={{{missing[0]!r}: bars}}")
        for symbol in self.others:
            assert isinstance(stream, JoinedStream)
            stream.feed(symbol, others[symbol])
        return dict(zip(self.names, stream.run(block, out), strict=True))

    def start(self, block: int = LIVE_BLOCK) -> AnyStream:
        """A fresh stream; `block` is how many rows its buffers take between two moves of history.

        A small `block` saves memory where there are thousands of symbols. With other assets it has `feed`.
        """
        if self.others:
            return JoinedStream(self.graph, self.hash, block)
        return Stream(self.graph, self.hash, block, FIRST_CAPACITY)

    def crew(self, threads: int, block: int = BATCH_BLOCK) -> Crew:
        """A fresh stream for large blocks whose features are shared out among threads.

        ConfigError where features look at other assets.
        """
        if self.others:
            raise ConfigError("a crew for features that look at other assets", hint="plan.start()")
        parts = [
            build(self._given, self._columns, names) for names in shares(self.graph, max(1, threads)) if names
        ]
        return Crew(self.graph, parts, self.hash, block)

    def restore(self, snapshot: Snapshot, block: int = LIVE_BLOCK) -> AnyStream:
        """A stream that goes on from a snapshot; DataError where it is another plan's."""
        if snapshot.plan != self.hash:
            raise DataError("the snapshot belongs to another plan", hint="the plan it was taken from")
        if self.others:
            return JoinedStream(self.graph, self.hash, block, snapshot)
        stream = Stream(self.graph, self.hash, block, snapshot.capacity)
        stream.load(snapshot)
        return stream

    def __getitem__(self, name: str) -> str:
        if name not in self.features:
            raise ConfigError(f"no feature {name!r}", hint=nearest(name, self.features))
        return self.features[name]

    def __repr__(self) -> str:
        nodes = sum(slot.operator is not None for slot in self.graph.slots)
        return f"Plan({len(self.names)} features, {nodes} nodes, columns {self.columns})"


def _described(graph: Graph) -> list[Any]:
    """A graph as plain data: equal for plans that compute the same under the same names."""
    slots = [
        (s.operator and s.operator.name, s.inputs, s.params, s.column, s.value, s.domain) for s in graph.slots
    ]
    others = {symbol: _described(other) for symbol, other in graph.others.items()}
    return [slots, graph.timeframes, graph.outputs, others]
