"""What trading costs, in basis points and in currency."""

from __future__ import annotations

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from bateia.core import AMOUNT, Component, ConfigError
from bateia.core.events import Floats
from bateia.trading.spread import AnySpread, CorwinSchultzSpread, RollSpread, ShareSpread, describe_spread


class Tier(Component):
    """Fees from a notional traded on, over the 30 complete UTC days before the day of the fill."""

    notional: float = Field(gt=0.0, le=AMOUNT)
    """Currency traded from which these fees hold, both sides counted."""
    fee_bps: float = Field(ge=-100.0, le=10_000)
    """Fee for taking, in basis points of the notional; negative: a rebate."""
    maker_bps: float | None = Field(default=None, ge=-100.0, le=10_000)
    """Fee of a passive order; that for taking unless said."""


class Costs(Component):
    """The cost of one side (one buy or one sell); a round trip pays it twice.

    The market's trade price stands for the middle of the spread. All parts add up and all are 0
    unless said: a backtest without costs is called "untested against costs" by the verdict.

    >>> costs = Costs(fee_per_unit=2.0, half_spread=0.125)
    >>> costs.side(price=1600.0, multiplier=50.0)
    8.25
    >>> costs.side_bp(price=1600.0, multiplier=50.0)
    1.03125
    """

    fee_bps: float = Field(default=0.0, ge=0.0, le=10_000)
    """Exchange and broker fee in basis points of the notional traded, for taking."""
    fee_per_unit: float = Field(default=0.0, ge=0.0, le=AMOUNT)
    """Fee in currency per contract (or unit) traded."""
    half_spread: float = Field(default=0.0, ge=0.0, le=AMOUNT)
    """Half the bid-ask spread in price units, always paid."""
    slippage_bps: float = Field(default=0.0, ge=0.0, le=10_000)
    """How far the price moves against us on top of the spread, in basis points of the price."""
    maker_bps: float | None = Field(default=None, ge=-100.0, le=10_000)
    """Fee of `orders: passive` in basis points; negative: a rebate. `fee_bps` unless said."""
    min_fee: float = Field(default=0.0, ge=0.0, le=AMOUNT)
    """Least fee of a fill in currency."""
    tiers: tuple[Tier, ...] = ()
    """Other rates from a 30-day notional on, smallest first; below the first, the rates above hold."""
    spread: AnySpread | None = None
    """Half the spread in ticks, as a share, or estimated; instead of `half_spread`."""
    slippage_volatility: float = Field(default=0.0, ge=0.0, le=1000)
    """Slippage as a share of the deviation of log returns over one of the market's intervals."""
    impact: float = Field(default=0.0, ge=0.0, le=1000)
    """Coefficient Y of Y * volatility a day * sqrt(units / units traded a day), a share of the price.

    Source: Toth et al., "Anomalous price impact and the critical nature of liquidity in financial
    markets", Phys. Rev. X 1 (2011), eq. 1, where Y is about 1; Almgren, Thum, Hauptmann and Li,
    "Direct estimation of equity market impact" (2005), find an exponent of 0.6 near its 0.5.
    """
    borrow_bps: float = Field(default=0.0, ge=0.0, le=1_000_000)
    """What a short pays to borrow, in basis points of its notional a year of 365.25 days, charged at each
    midnight UTC and whenever the short changes."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        steps = [tier.notional for tier in self.tiers]
        if steps != sorted(set(steps)):
            given = f"tiers from {', '.join(f'{step:g}' for step in steps)}"
            raise ValueError(str(ConfigError(given, allowed="each notional above the one before")))
        if self.spread is not None and self.half_spread:
            error = ConfigError(
                "both half_spread and spread", allowed="one of the two", hint="half_spread: 0"
            )
            raise ValueError(str(error))
        return self

    @property
    def estimate(self) -> RollSpread | CorwinSchultzSpread | None:
        """The spread that past trades must tell, if any."""
        return self.spread if isinstance(self.spread, RollSpread | CorwinSchultzSpread) else None

    @property
    def maker_rates(self) -> bool:
        """Whether a fee is named that only passive orders pay."""
        return self.maker_bps is not None or any(tier.maker_bps is not None for tier in self.tiers)

    def rates(self) -> Floats:
        """Rows of (notional from, fee for taking, fee of a passive order), fees as fractions."""
        first = (0.0, self.fee_bps, self.maker_bps)
        rows = [first, *((tier.notional, tier.fee_bps, tier.maker_bps) for tier in self.tiers)]
        return np.array([(a, b * 1e-4, (b if c is None else c) * 1e-4) for a, b, c in rows])

    def side(self, price: float, quantity: float = 1.0, multiplier: float = 1.0) -> float:
        """Currency that one side of `quantity` units costs at `price`, as far as that needs no market:
        first tier, and without estimated spread, volatility's share, impact and what ticks add."""
        share = self.spread.half_bps * 1e-4 * price if isinstance(self.spread, ShareSpread) else 0.0
        away = self.half_spread + share + self.slippage_bps * 1e-4 * price
        taking = quantity * (multiplier * (away + self.fee_bps * 1e-4 * price) + self.fee_per_unit)
        fee = quantity * (multiplier * self.fee_bps * 1e-4 * price + self.fee_per_unit)
        return taking + max(self.min_fee - fee, 0.0)

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
            (self.maker_bps is not None, f"maker fee {self.maker_bps or 0:g} bp"),
            (self.min_fee, f"fee of at least {self.min_fee:g}"),
            (self.tiers, f"{len(self.tiers)} tiers of fees by 30-day notional"),
            (self.spread is not None, describe_spread(self.spread) if self.spread else ""),
            (self.slippage_volatility, f"slippage {self.slippage_volatility:g} of volatility"),
            (self.impact, f"square-root impact {self.impact:g}"),
            (self.borrow_bps, f"borrowing {self.borrow_bps:g} bp a year"),
        ]
        return ", ".join(words for value, words in parts if value) or "no costs"
