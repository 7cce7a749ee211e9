"""From a model's score to the position we want to hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import model_validator

from bateia.core import Component, ConfigError
from bateia.core.events import Bytes, Floats
from bateia.kernels.fills import hysteresis


class Threshold(Component):
    """Enter beyond `enter`, leave inside `exit`, and between the two stay as you are.

    Long when the score is above `enter`, flat again when it is below `exit`; short mirrored (`-enter`,
    `-exit`); a score beyond the other side's `enter` flips at once. A NaN score (no opinion) goes flat.

    >>> Threshold(enter=0.3, exit=0.1).run([0.2, 0.4, 0.2, 0.0, -0.5, -0.2]).tolist()
    [0, 1, 1, 0, -1, -1]
    """

    kind: Literal["threshold"] = "threshold"
    enter: float
    """Score beyond which a position is opened, in the model's own units."""
    exit: float
    """Score below which a long is closed (mirrored for short); at most `enter`, may be negative."""
    side: Literal["both", "long", "short"] = "both"
    """Which positions are allowed."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        given = f"exit {self.exit:g} with enter {self.enter:g}"
        if self.exit > self.enter:
            error = ConfigError(
                f"{given}: it would leave a position that it should enter",
                allowed="exit <= enter",
                hint=f"exit: {self.enter / 2 if self.enter > 0 else self.enter:g}",
            )
            raise ValueError(str(error))
        if self.side == "both" and self.enter < 0:
            error = ConfigError(
                f"enter {self.enter:g} with side 'both': a score of 0 would be long and short at once",
                allowed="enter >= 0, or side 'long' or 'short'",
                hint="enter: 0",
            )
            raise ValueError(str(error))
        return self

    def start(self) -> ThresholdStream:
        """A fresh stream, flat."""
        return ThresholdStream(self, np.zeros(1, np.int8))

    def restore(self, snapshot: Mapping[str, npt.NDArray[Any]]) -> ThresholdStream:
        """The stream as it was when `snapshot()` was taken."""
        return ThresholdStream(self, np.array(snapshot["target"], np.int8))

    def run(self, score: npt.ArrayLike) -> Bytes:
        """Targets of a whole series, from flat."""
        return self.start().run(score)


class ThresholdStream:
    """A threshold policy in the middle of a series."""

    def __init__(self, policy: Threshold, state: Bytes) -> None:
        self.policy, self._state = policy, state

    def run(self, score: npt.ArrayLike) -> Bytes:
        """The next targets (-1, 0, 1), one for each of the next scores."""
        column: Floats = np.ascontiguousarray(score, np.float64)
        target = np.empty(len(column), np.int8)
        policy = self.policy
        long, short = policy.side != "short", policy.side != "long"
        hysteresis(self._state, column, policy.enter, policy.exit, long, short, target)
        return target

    def snapshot(self) -> dict[str, npt.NDArray[Any]]:
        """The state as arrays: `target`, the last target."""
        return {"target": self._state.copy()}


AnyPolicy = Threshold
"""Every policy a recipe can name by its `kind`."""
