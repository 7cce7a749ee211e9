"""Change points, found while they happen."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from bateia.core.events import Floats, Ints
from bateia.kernels.regimes import run_lengths
from bateia.regimes.base import UNDEFINED, Regime


class ChangePoint(Regime):
    """changing while the newest change of mean or spread is likely recent, else settled.

    Bayesian online change points of `observe`, which should be of the order of 1: changes are expected every
    `expected` rows, and a regime is "changing" while the chance that the newest one came within `recent` rows
    is above `sure`. Undefined for the first `recent` rows. A change takes some rows to be believed: it is
    known when it is known.

    Source: Adams & MacKay, "Bayesian online changepoint detection" (2007).
    """

    kind: Literal["change_point"] = "change_point"
    observe: str = "log_return(close, 1) / lag(std(log_return(close, 1), 200), 1)"
    """The feature expression in which changes are looked for."""
    expected: float = Field(default=250.0, gt=1.0, le=1e9)
    """Rows between two changes."""
    recent: int = Field(default=20, ge=1, le=10_000)
    """Rows after a change that count as changing."""
    sure: float = Field(default=0.5, gt=0.0, lt=1.0)
    """Chance of a recent change above which it is believed."""
    longest: int = Field(default=300, ge=10, le=100_000)
    """Run lengths that are told apart; longer runs forget their oldest rows. About 20 ns a bar each."""

    @model_validator(mode="after")
    def _room(self) -> Self:
        if self.longest < 2 * self.recent:
            raise ValueError(
                f"longest {self.longest} with recent {self.recent}; allowed: at least twice as long"
            )
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The regimes' names."""
        return (UNDEFINED, "settled", "changing")

    def expressions(self) -> dict[str, str]:
        """What is observed."""
        return {"observe": self.observe}

    def memory(self) -> Floats:
        """Rows seen, and for each run length its chance, mean and spread."""
        chance, mean, beta = np.zeros(self.longest), np.zeros(self.longest), np.ones(self.longest)
        chance[0] = 1.0
        return np.concatenate([[0.0], chance, mean, beta])

    def advance(self, state: Floats, columns: Floats, out: Ints) -> None:
        """Whether the chance of a recent change is above `sure`."""
        young = np.empty(len(out))
        run_lengths(state, columns[0], 1.0 / self.expected, self.recent, young)
        out[:] = np.where(np.isnan(young), 0, np.where(young > self.sure, 2, 1))
