"""Hysteresis: enter beyond one threshold, leave inside another."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import model_validator

from bateia.core import ConfigError
from bateia.core.events import Floats
from bateia.kernels.policies import hysteresis
from bateia.trading.policy_base import Policy, Side


class Threshold(Policy):
    """Enter beyond `enter`, leave inside `exit`, and between the two stay as you are.

    Long when the score is above `enter`, flat again when it is below `exit`; short mirrored (`-enter`,
    `-exit`); a score beyond the other side's `enter` flips at once. A NaN score (no opinion) goes flat.

    >>> Threshold(enter=0.3, exit=0.1).run([0.2, 0.4, 0.2, 0.0, -0.5, -0.2]).tolist()
    [0.0, 1.0, 1.0, 0.0, -1.0, -1.0]
    """

    kind: Literal["threshold"] = "threshold"
    enter: float
    """Score beyond which a position is opened, in the model's own units."""
    exit: float
    """Score below which a long is closed (mirrored for short); at most `enter`, may be negative."""
    side: Side = "both"
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

    def memory(self) -> Floats:
        """The last target."""
        return np.zeros(1)

    def advance(self, state: Floats, score: Floats, target: Floats) -> None:
        """Hysteresis on the scores."""
        hysteresis(state, score, self.enter, self.exit, self.side != "short", self.side != "long", target)
