"""Half the bid-ask spread, other than a fixed one: in ticks, as a share, or estimated from past trades."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bateia.core import AMOUNT, Component, ConfigError


class TickSpread(Component):
    """Half the spread as a number of the broker's ticks."""

    kind: Literal["ticks"] = "ticks"
    half: float = Field(default=0.5, ge=0.0, le=AMOUNT)


class ShareSpread(Component):
    """Half the spread in basis points of the price."""

    kind: Literal["share"] = "share"
    half_bps: float = Field(ge=0.0, le=10_000)


class RollSpread(Component):
    """Estimated from the covariance of successive price changes of the trades in the market's window.

    Source: Roll, "A simple implicit measure of the effective bid-ask spread", J. Finance 39 (1984).
    """

    kind: Literal["roll"] = "roll"
    scale: float = Field(default=1.0, gt=0.0, le=1000)
    """What the estimate is multiplied by."""


class CorwinSchultzSpread(Component):
    """Estimated from highs and lows of pairs of the market's intervals; negative pairs count as 0.

    Source: Corwin and Schultz, "A simple way to estimate bid-ask spreads", J. Finance 67 (2012).
    """

    kind: Literal["corwin_schultz"] = "corwin_schultz"
    scale: float = Field(default=1.0, gt=0.0, le=1000)
    """What the estimate is multiplied by."""


class BookSpread(Component):
    """Refused: a simulated broker sees trades and no book."""

    kind: Literal["book"] = "book"

    @model_validator(mode="after")
    def _absent(self) -> Self:
        error = ConfigError(
            "a spread from the book: the source gives trades, there is no book",
            allowed="half_spread, or spread of kind ticks, share, roll, corwin_schultz",
            hint="spread: {kind: roll}",
        )
        raise ValueError(str(error))


AnySpread = Annotated[
    TickSpread | ShareSpread | RollSpread | CorwinSchultzSpread | BookSpread, Field(discriminator="kind")
]
"""Every spread that costs can name by its `kind`."""


def describe_spread(spread: AnySpread) -> str:
    """A spread in words.

    >>> describe_spread(TickSpread(half=0.5))
    'half spread 0.5 ticks'
    """
    if isinstance(spread, TickSpread):
        return f"half spread {spread.half:g} ticks"
    if isinstance(spread, ShareSpread):
        return f"half spread {spread.half_bps:g} bp"
    name = "Roll" if isinstance(spread, RollSpread) else "Corwin and Schultz"
    times = "" if getattr(spread, "scale", 1.0) == 1.0 else f" times {getattr(spread, 'scale', 1.0):g}"
    return f"spread estimated by {name}{times}"
