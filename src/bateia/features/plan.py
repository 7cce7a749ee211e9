"""A plan: named features over columns, compiled once, run over history or live."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property

from bateia.core import Bars, ConfigError, DataError, nearest
from bateia.core.events import Floats, Ints
from bateia.features.expression import Expr
from bateia.features.graph import Warmup, build
from bateia.features.stream import BATCH_BLOCK, LIVE_BLOCK, Snapshot, Stream

BAR_COLUMNS = tuple(Bars.empty().columns())


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
        self.graph = build(features, columns)
        self.names = list(self.features)
        self.columns = self.graph.columns

    @property
    def warmup(self) -> dict[str, Warmup]:
        """How long each feature is NaN from the start of the stream."""
        return {name: self.graph.warmups[slot] for name, slot in self.graph.outputs.items()}

    @cached_property
    def hash(self) -> str:
        """Content hash of the features, hex."""
        return hashlib.sha256(json.dumps(self.features).encode()).hexdigest()

    def run(self, block: Bars | Mapping[str, Floats | Ints], out: Floats | None = None) -> dict[str, Floats]:
        """Every feature over a whole history: float64 arrays of its length, NaN in the warm-up.

        `out` of shape (features, rows) is filled where given; the arrays are its rows.
        """
        columns = block.columns() if isinstance(block, Bars) else block
        return dict(zip(self.names, self.start(BATCH_BLOCK).run(columns, out), strict=True))

    def start(self, block: int = LIVE_BLOCK) -> Stream:
        """A fresh stream; `block` is how many rows its buffers take between two moves of history."""
        return Stream(self.graph, self.hash, block)

    def restore(self, snapshot: Snapshot, block: int = LIVE_BLOCK) -> Stream:
        """A stream that goes on from a snapshot; DataError where it is another plan's."""
        if snapshot.plan != self.hash:
            raise DataError("the snapshot belongs to another plan", hint="the plan it was taken from")
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
