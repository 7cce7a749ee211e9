"""What a regime detector is: bars in, the state of the market out, known when each bar is known."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from bateia.core import Block, Component, DataError
from bateia.core.events import Floats, Ints
from bateia.features import BATCH_BLOCK, AnyStream, Plan, Snapshot

Columns = Mapping[str, npt.NDArray[np.float64]]
UNDEFINED = "undefined"


@dataclass(frozen=True, eq=False)
class RegimeMemory:
    """What a detector's stream remembers: its features' memory and its own."""

    features: Snapshot
    state: Floats


class Regime(Component, ABC):
    """A causal detector: row i's regime rests on bars up to i alone.

    A regime is a number, `names[number]` its name; 0 is "undefined": not known, or none of the others.
    A detector that must learn does so by `fit` on training bars, which returns one that has what it learnt
    among its parameters.
    """

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The regimes' names, "undefined" first."""

    @property
    def ready(self) -> bool:
        """Whether it can decide; False for one that must learn first."""
        return True

    def fit(self, bars: Block | Columns) -> Self:
        """It, having learnt from these bars; as it is where there is nothing to learn, or it has learnt."""
        return self

    @abstractmethod
    def expressions(self) -> dict[str, str]:
        """Name -> feature expression of each column that it looks at."""

    @abstractmethod
    def memory(self) -> Floats:
        """The state of a fresh stream; ConfigError where it has not learnt what it must."""

    @abstractmethod
    def advance(self, state: Floats, columns: Floats, out: Ints) -> None:
        """Write the regime of each row of `columns` (features, rows) and bring `state` forward."""

    @property
    def plan(self) -> Plan:
        """The compiled features."""
        return Plan(self.expressions())

    def start(self) -> RegimeStream:
        """A fresh stream: every feature warming up."""
        return RegimeStream(self, self.plan.start(), self.memory())

    def restore(self, memory: RegimeMemory) -> RegimeStream:
        """The stream as it was when `snapshot()` was taken; DataError for another detector's."""
        state, fresh = np.array(memory.state, np.float64), self.memory()
        if state.shape != fresh.shape or not np.isfinite(state).all():
            raise DataError(
                f"a memory of {state.shape}",
                allowed=f"finite numbers of shape {fresh.shape}",
                hint="the detector it was taken from",
            )
        return RegimeStream(self, self.plan.restore(memory.features), state)

    def run(self, bars: Block | Columns) -> Ints:
        """The regime of every bar (or row of columns), from a fresh start."""
        return RegimeStream(self, self.plan.start(BATCH_BLOCK), self.memory()).run(bars)


class RegimeStream:
    """A detector in the middle of a series: bars in, regimes out, the same for any cut."""

    def __init__(self, regime: Regime, features: AnyStream, state: Floats) -> None:
        self.regime, self._features, self._state = regime, features, state

    def run(self, bars: Block | Columns) -> Ints:
        """The regimes of the next bars."""
        columns = np.ascontiguousarray(self._features.run(bars))
        out = np.empty(columns.shape[1], np.int64)
        self.regime.advance(self._state, columns, out)
        return out

    def snapshot(self) -> RegimeMemory:
        """Everything it remembers, to resume from with `regime.restore`."""
        return RegimeMemory(self._features.snapshot(), self._state.copy())
