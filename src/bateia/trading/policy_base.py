"""What a policy is: scores in, target positions out, any cut of the scores alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from bateia.core import Component, DataError
from bateia.core.events import Floats

Side = Literal["both", "long", "short"]
"""Which positions are allowed."""
Snapshot = Mapping[str, npt.NDArray[Any]]


class Policy(Component, ABC):
    """From a model's scores to the positions we want to hold, in [-1, 1] of the broker's quantity.

    A policy that has something to learn learns it by `fit`, which returns a policy with what it learnt among
    its parameters: saved, hashed and read back like any other. A NaN score (no opinion) goes flat.
    """

    @property
    def ready(self) -> bool:
        """Whether it can decide; False for one that must learn first."""
        return True

    def fit(self, score: npt.ArrayLike, ret: npt.ArrayLike) -> Self:
        """It, having learnt from scores that the model gave rows it did not learn from, and what came after.

        `ret` are those rows' forward log returns over the label's horizon. A policy without anything to
        learn, or whose parameters hold it already, is returned as it is.
        """
        return self

    @abstractmethod
    def memory(self) -> Floats:
        """The state of a fresh stream: flat; its first number is the last target."""

    @abstractmethod
    def advance(self, state: Floats, score: Floats, target: Floats) -> None:
        """Write a target for each score and bring `state` forward."""

    def start(self) -> PolicyStream:
        """A fresh stream, flat; ConfigError where it has not learnt what it must."""
        return PolicyStream(self, self.memory())

    def restore(self, snapshot: Snapshot) -> PolicyStream:
        """The stream as it was when `snapshot()` was taken; DataError for another policy's."""
        fresh = self.memory()
        given = {name: np.shape(column) for name, column in snapshot.items()}
        if given != {"target": (1,), "memory": (len(fresh) - 1,)}:
            raise DataError(
                f"a snapshot of {given}",
                allowed=f"target (1,) and memory ({len(fresh) - 1},)",
                hint="the policy it was taken from",
            )
        state = np.concatenate([np.asarray(snapshot[name], np.float64) for name in ("target", "memory")])
        if not (np.isfinite(state).all() and abs(state[0]) <= 1):
            raise DataError(f"a snapshot that holds {state[0]:g}", allowed="a target in [-1, 1], no NaN")
        return PolicyStream(self, state)

    def run(self, score: npt.ArrayLike) -> Floats:
        """Targets of a whole series, from flat."""
        return self.start().run(score)


class PolicyStream:
    """A policy in the middle of a series."""

    def __init__(self, policy: Policy, state: Floats) -> None:
        self.policy, self._state = policy, state

    def run(self, score: npt.ArrayLike) -> Floats:
        """The next targets, one for each of the next scores."""
        column: Floats = np.ascontiguousarray(score, np.float64)
        if column.ndim != 1:
            raise DataError(f"scores of shape {column.shape}", allowed="one number a row")
        target = np.empty(len(column))
        self.policy.advance(self._state, column, target)
        return target

    def snapshot(self) -> dict[str, npt.NDArray[Any]]:
        """The state as arrays: `target`, the last target, and whatever else the policy remembers."""
        return {"target": self._state[:1].copy(), "memory": self._state[1:].copy()}
