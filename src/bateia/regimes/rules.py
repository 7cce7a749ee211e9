"""The regimes of Etapa 6: averages in order, a strong index, unusual volatility."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from bateia.core import INT32
from bateia.core.events import Floats, Ints
from bateia.kernels.regimes import first_true
from bateia.regimes.base import UNDEFINED, Regime


class Etapa6(Regime):
    """Rules in order: high volatility first, since it is about risk; then trends, then no trend.

    high_volatility: returns vary over `times` times as much within `volatility` rows as over `history`;
    trend_up: the averages of `fast`, `middle` and `slow` rows in order, the price above, ADX over
    `strength`; trend_down: the mirror; ranging: ADX under `strength`; undefined: none of them, or a rule's
    features are not known yet.

    >>> Etapa6().names
    ('undefined', 'high_volatility', 'trend_up', 'trend_down', 'ranging')
    """

    kind: Literal["etapa6"] = "etapa6"
    fast: int = Field(default=9, ge=1, le=INT32)
    """Rows of the fast exponential average of closes."""
    middle: int = Field(default=20, ge=1, le=INT32)
    """Rows of the middle one."""
    slow: int = Field(default=50, ge=1, le=INT32)
    """Rows of the slow one."""
    adx: int = Field(default=14, ge=2, le=INT32)
    """Rows of the average directional index."""
    strength: float = Field(default=25.0, ge=0.0, le=100.0)
    """ADX above which there is a trend."""
    volatility: int = Field(default=20, ge=2, le=INT32)
    """Rows over which returns vary now."""
    history: int = Field(default=200, ge=2, le=INT32)
    """Rows over which they varied as usual."""
    times: float = Field(default=1.5, gt=0.0, le=1_000)
    """How many times the usual is unusual."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.fast < self.middle < self.slow:
            raise ValueError(
                f"averages of {self.fast}, {self.middle}, {self.slow} rows; allowed: fast < middle < slow"
            )
        if self.volatility >= self.history:
            raise ValueError(
                f"volatility {self.volatility} of history {self.history}; allowed: a longer history"
            )
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The regimes' names."""
        return (UNDEFINED, *self.expressions())

    def expressions(self) -> dict[str, str]:
        """One rule a regime."""
        fast, middle, slow = (f"ema(close, {n})" for n in (self.fast, self.middle, self.slow))
        index = f"adx(high, low, close, {self.adx})"
        now, usual = (f"std(log_return(close, 1), {n})" for n in (self.volatility, self.history))
        strong = f"{index} > {self.strength!r}"
        return {
            "high_volatility": f"{now} > {self.times!r} * {usual}",
            "trend_up": f"{fast} > {middle} and {middle} > {slow} and close > {fast} and {strong}",
            "trend_down": f"{fast} < {middle} and {middle} < {slow} and close < {fast} and {strong}",
            "ranging": f"{index} < {self.strength!r}",
        }

    def memory(self) -> Floats:
        """Nothing: the features remember."""
        return np.zeros(0)

    def advance(self, state: Floats, columns: Floats, out: Ints) -> None:
        """The first rule that holds."""
        first_true(columns, out)
