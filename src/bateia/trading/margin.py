"""Margin: how large positions may be, and when the exchange closes them."""

from __future__ import annotations

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from bateia.core import AMOUNT, Component, ConfigError
from bateia.core.events import Floats


class Margin(Component):
    """One margin account for all symbols (cross margin).

    An order that would need more than `initial` of the notional is cut to what the equity allows; what
    reduces a position is never cut. When equity falls to `maintenance` of the notional, every position is
    closed at its symbol's first trade from then on, with `fee_bps` on top of the usual costs.

    >>> Margin(capital=1000, initial=0.1, maintenance=0.05).liquidation_price(100.0, 50.0)
    84.21052631578948
    """

    capital: float = Field(gt=0.0, le=AMOUNT)
    """Cash at the start, currency."""
    initial: float = Field(default=1.0, ge=0.0, le=10.0)
    """Equity needed for each unit of currency of notional: 0.1 allows ten times the equity."""
    maintenance: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Share of the notional to which equity may fall."""
    fee_bps: float = Field(default=0.0, ge=0.0, le=10_000)
    """Fee of a liquidation in basis points of the notional."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.maintenance > self.initial > 0.0:
            given = f"maintenance {self.maintenance:g} with initial {self.initial:g}"
            error = ConfigError(
                given, allowed="maintenance <= initial", hint=f"maintenance: {self.initial / 2:g}"
            )
            raise ValueError(str(error))
        return self

    def row(self) -> Floats:
        """What the kernel reads, from its MARGIN on."""
        return np.array([1.0, self.initial, self.maintenance, self.fee_bps * 1e-4])

    def liquidation_price(self, entry: float, units: float, multiplier: float = 1.0) -> float:
        """Where a lone position of `units` (short: negative) bought at `entry`, costs aside, is closed.

        Equity = maintenance * notional there: capital + units * multiplier * (price - entry) = maintenance *
        |units| * multiplier * price, so the price is (capital - units * multiplier * entry) / (units *
        multiplier * (maintenance * side - 1)), side being 1 for a long and -1 for a short. Negative where no
        fall of the price can cost that much.
        """
        cash = self.capital - units * multiplier * entry
        return cash / (units * multiplier * (self.maintenance * (1 if units > 0 else -1) - 1))

    def describe(self) -> str:
        """The margin in words."""
        return f"margin {self.initial:g} initial, {self.maintenance:g} maintenance"
