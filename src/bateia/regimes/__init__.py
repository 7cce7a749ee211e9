"""States of the market, each known when it is known: rules, trends, hidden states, change points."""

from typing import Annotated

from pydantic import Field

from bateia.regimes.base import Regime, RegimeMemory, RegimeStream
from bateia.regimes.change import ChangePoint
from bateia.regimes.markov import HMM, Chain
from bateia.regimes.rules import Etapa6
from bateia.regimes.trend import TrendStrength

AnyRegime = Annotated[Etapa6 | TrendStrength | HMM | ChangePoint, Field(discriminator="kind")]
"""Every detector that a recipe can name by its `kind`."""

__all__ = [
    "HMM",
    "AnyRegime",
    "Chain",
    "ChangePoint",
    "Etapa6",
    "Regime",
    "RegimeMemory",
    "RegimeStream",
    "TrendStrength",
]
