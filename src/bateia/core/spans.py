"""Label spans: when a label's question is asked, and when its answer is known."""

from __future__ import annotations

from dataclasses import dataclass

from bateia.core.events import Block, Ints


@dataclass(frozen=True, eq=False)
class Spans(Block):
    """Row i's label looks at the market from `t0[i]` to `t1[i]`, both inclusive, microseconds.

    `t0` never falls. Two labels overlap where their spans share a moment.
    """

    t0: Ints
    t1: Ints
