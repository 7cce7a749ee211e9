"""How much a training row counts, beyond what its label says of its uniqueness."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from bateia.core import AMOUNT, Component, ConfigError, nearest
from bateia.core.events import Floats


class Weights(Component):
    """Factors on the weights of rows that a model learns from and is stopped early by; tests count all alike.

    A row's regime is the one that was known when its bar closed; regimes that are not named count 1. With a
    factor of 0 nothing is learnt from a regime.

    >>> Weights(regime={"ranging": 0.5}).factors(("undefined", "ranging", "trend_up")).tolist()
    [1.0, 0.5, 1.0]
    """

    regime: dict[str, Annotated[float, Field(ge=0.0, le=AMOUNT)]] = Field(default_factory=dict)
    """Name of a regime -> factor."""

    def factors(self, names: Sequence[str]) -> Floats:
        """The factor of each regime, in the order of `names`; ConfigError for one that is not among them."""
        for name in self.regime:
            if name not in names:
                raise ConfigError(
                    f"a weight for the regime {name!r}", allowed=", ".join(names), hint=nearest(name, names)
                )
        return np.array([self.regime.get(name, 1.0) for name in names])
