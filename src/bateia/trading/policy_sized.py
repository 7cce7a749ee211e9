"""Positions sized by how sure the score is."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from bateia.core import ConfigError
from bateia.core.events import Floats
from bateia.kernels.policies import bet_sizes
from bateia.trading.calibration import Calibration
from bateia.trading.policy_base import Policy, Side


class Sized(Policy):
    """The size 2 * Phi(z) - 1 of a score s = P(up) - P(down), z = s / sqrt(1 - s^2), in steps.

    z tests p = (1 + s) / 2 against a half. The sizes of the last `average` rows, whose bets are still open,
    are averaged, then rounded to multiples of 1 / `steps`. With `calibrate` the score is first mapped to
    P(up) - P(down) by what `fit` learnt: needed for a model whose scores are returns, and for one that is
    too sure of itself.

    Source: Lopez de Prado, "Advances in Financial Machine Learning" (2018), sections 10.3 to 10.5.

    >>> Sized(steps=10).run([0.0, 0.1, 0.5, 0.9, -0.5, 1.0]).tolist()
    [0.0, 0.1, 0.4, 1.0, -0.4, 1.0]
    """

    kind: Literal["sized"] = "sized"
    steps: int = Field(default=10, ge=1, le=1_000_000)
    """Sizes between flat and full; 1 is all or nothing."""
    average: int = Field(default=1, ge=1, le=100_000)
    """Rows over which sizes are averaged: the label's horizon in rows."""
    stick: float = Field(default=0.0, ge=0.0, le=1_000)
    """Steps beyond the half at which rounding would move, that a size must move to be traded."""
    side: Side = "both"
    """Which positions are allowed."""
    calibrate: bool = False
    """Whether `fit` learns P(up) - P(down) of a score."""
    bands: int = Field(default=20, ge=2, le=1_000)
    """Bands of scores whose mean signs are learnt."""
    map: Calibration | None = None
    """Score to P(up) - P(down): learnt by `fit` where `calibrate` says so, unless given."""

    @property
    def ready(self) -> bool:
        """Whether there is nothing left to learn."""
        return self.map is not None or not self.calibrate

    def fit(self, score: npt.ArrayLike, ret: npt.ArrayLike) -> Self:
        """With the map that these rows teach, where it is to have one and has none."""
        if self.ready:
            return self
        return self.model_copy(update={"map": Calibration.learn(score, np.sign(ret), self.bands)})

    def memory(self) -> Floats:
        """The last target, the rows seen and their sizes; ConfigError where a map is missing."""
        if not self.ready:
            raise ConfigError(
                "a sized policy that calibrates does not know yet how sure a score is",
                allowed="one that was fitted, or given a map",
                hint="policy.fit(score, ret), or calibrate: false",
            )
        return np.zeros(2 + self.average)

    def advance(self, state: Floats, score: Floats, target: Floats) -> None:
        """Bet sizes of the scores."""
        sure = score if self.map is None else self.map(score)
        bet_sizes(state, sure, self.steps, self.stick, self.side != "short", self.side != "long", target)
