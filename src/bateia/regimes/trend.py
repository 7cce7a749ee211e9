"""How straight the way of the price is, and which way it goes."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from bateia.core import INT32
from bateia.core.events import Floats, Ints
from bateia.kernels.regimes import banded
from bateia.regimes.base import UNDEFINED, Regime


class TrendStrength(Regime):
    """trend_up from a strength above `enter` until it is below `exit`; trend_down mirrored; ranging between.

    The strength over `window` rows is Kaufman's efficiency ratio with its sign, -1 to 1 ("efficiency"), or
    the t value of the log price's least-squares slope ("t"). The t value of a wandering price is no test:
    its neighbours share their past, and values of 10 are common without any trend.

    Source: Kaufman, Smarter Trading (1995); Lopez de Prado, Machine Learning for Asset Managers (2020),
    section 5.4, for the t value.
    """

    kind: Literal["trend_strength"] = "trend_strength"
    measure: Literal["efficiency", "t"] = "efficiency"
    """What strength is."""
    window: int = Field(default=20, ge=3, le=INT32)
    """Rows over which it is taken."""
    enter: float = Field(default=0.4, ge=0.0, le=1e6)
    """Strength above which a trend begins."""
    exit: float = Field(default=0.2, ge=0.0, le=1e6)
    """Strength below which it ends; at most `enter`."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.exit > self.enter:
            raise ValueError(f"exit {self.exit:g} above enter {self.enter:g}; allowed: exit <= enter")
        if self.measure == "efficiency" and self.enter >= 1:
            raise ValueError(f"enter {self.enter:g}, an efficiency never above 1; allowed: below 1; try: 0.4")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The regimes' names."""
        return (UNDEFINED, "trend_up", "trend_down", "ranging")

    def expressions(self) -> dict[str, str]:
        """The strength, with its sign."""
        n = self.window
        if self.measure == "efficiency":
            return {"strength": f"sign(diff(close, {n})) * efficiency(close, {n})"}
        straight = f"clip(straightness(log(close), {n}), 0, 0.999999999)"
        t = f"sqrt({n - 2} * {straight} / (1 - {straight}))"
        return {"strength": f"sign(slope(log(close), {n})) * {t}"}

    def memory(self) -> Floats:
        """The side of the last row."""
        return np.zeros(1)

    def advance(self, state: Floats, columns: Floats, out: Ints) -> None:
        """Hysteresis on the strength."""
        banded(state, columns[0], self.enter, self.exit, out)
