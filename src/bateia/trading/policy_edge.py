"""Trade only when the expected edge exceeds the cost."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from bateia.core import ConfigError
from bateia.core.events import Floats
from bateia.kernels.policies import hysteresis
from bateia.trading.calibration import Calibration
from bateia.trading.policy_base import Policy, Side


class Edge(Policy):
    """Enter where the expected return pays a round trip `margin` times over; leave where too little is left.

    What a score is expected to return (a log return over the label's horizon) is learnt by `fit`. Entered
    when it is beyond 2 * `cost_bps` * `margin`, left when, in the position's direction, it falls below
    2 * `cost_bps` * `keep`: what was paid to enter is gone, so holding on needs less than entering.

    >>> score = np.linspace(-1, 1, 401)
    >>> policy = Edge(cost_bps=1.0, margin=1.5).fit(score, 1e-3 * score)
    >>> policy.run([0.25, 0.35, 0.1, -0.1, -0.35]).tolist()
    [0.0, 1.0, 1.0, 0.0, -1.0]
    """

    kind: Literal["edge"] = "edge"
    cost_bps: float = Field(ge=0.0, le=10_000)
    """What one side costs in bp of the notional; a round trip pays it twice."""
    margin: float = Field(default=1.0, ge=0.0, le=1_000)
    """Round trips' worth of cost that the expected return must exceed to enter."""
    keep: float = Field(default=0.0, ge=-1_000, le=1_000)
    """Round trips' worth of cost below which it is left; at most `margin`."""
    side: Side = "both"
    """Which positions are allowed."""
    bands: int = Field(default=20, ge=2, le=1_000)
    """Bands of scores whose mean returns are learnt."""
    map: Calibration | None = None
    """Score to expected log return: learnt by `fit` unless given."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.keep > self.margin:
            error = ConfigError(
                f"keep {self.keep:g} with margin {self.margin:g}: it would leave what it should enter",
                allowed="keep <= margin",
                hint="keep: 0",
            )
            raise ValueError(str(error))
        return self

    @property
    def ready(self) -> bool:
        """Whether the map is known."""
        return self.map is not None

    def fit(self, score: npt.ArrayLike, ret: npt.ArrayLike) -> Self:
        """With the map that these rows teach; as it is where it has one."""
        if self.map is not None:
            return self
        return self.model_copy(update={"map": Calibration.learn(score, ret, self.bands)})

    def memory(self) -> Floats:
        """The last target; ConfigError without a map."""
        self._known()
        return np.zeros(1)

    def advance(self, state: Floats, score: Floats, target: Floats) -> None:
        """Hysteresis on the expected returns."""
        trip = 2e-4 * self.cost_bps
        enter, leave = trip * self.margin, trip * self.keep
        hysteresis(
            state, self._known()(score), enter, leave, self.side != "short", self.side != "long", target
        )

    def _known(self) -> Calibration:
        if self.map is None:
            raise ConfigError(
                "an edge policy does not know yet what a score is worth",
                allowed="one that was fitted, or given a map",
                hint="policy.fit(score, ret)",
            )
        return self.map
