"""What trading costs, in basis points and in currency."""

from __future__ import annotations

from pydantic import Field

from bateia.core import Component


class Costs(Component):
    """The cost of one side (one buy or one sell); a round trip pays it twice.

    The market's trade price stands for the middle of the spread. All four parts add up and all are 0
    unless said: a backtest without costs is called "untested against costs" by the verdict.

    >>> costs = Costs(fee_per_unit=2.0, half_spread=0.125)
    >>> costs.side(price=1600.0, multiplier=50.0)
    8.25
    >>> costs.side_bp(price=1600.0, multiplier=50.0)
    1.03125
    """

    fee_bps: float = Field(default=0.0, ge=0.0)
    """Exchange and broker fee in basis points of the notional traded."""
    fee_per_unit: float = Field(default=0.0, ge=0.0)
    """Fee in currency per contract (or unit) traded."""
    half_spread: float = Field(default=0.0, ge=0.0)
    """Half the bid-ask spread in price units, always paid."""
    slippage_bps: float = Field(default=0.0, ge=0.0)
    """How far the price moves against us on top of the spread, in basis points of the price."""

    def side(self, price: float, quantity: float = 1.0, multiplier: float = 1.0) -> float:
        """Currency that one side of `quantity` units costs at `price`."""
        away = self.half_spread + self.slippage_bps * 1e-4 * price
        return quantity * (multiplier * (away + self.fee_bps * 1e-4 * price) + self.fee_per_unit)

    def side_bp(self, price: float, multiplier: float = 1.0) -> float:
        """The same in basis points of the notional."""
        return self.side(price, 1.0, multiplier) / (price * multiplier) * 1e4

    def describe(self) -> str:
        """The parts that are not zero, in words.

        >>> Costs(fee_bps=4, half_spread=0.125).describe()
        'fee 4 bp, half spread 0.125'
        >>> Costs().describe()
        'no costs'
        """
        parts = [
            (self.fee_bps, f"fee {self.fee_bps:g} bp"),
            (self.fee_per_unit, f"fee {self.fee_per_unit:g} per unit"),
            (self.half_spread, f"half spread {self.half_spread:g}"),
            (self.slippage_bps, f"slippage {self.slippage_bps:g} bp"),
        ]
        return ", ".join(words for value, words in parts if value) or "no costs"
