"""A simulated broker: orders meet the market's trades after a delay, at a price against us."""

from __future__ import annotations

import math
from typing import Any, Literal, Self

import numpy.typing as npt
from pydantic import Field, model_validator

from bateia.core import AMOUNT, Component, ConfigError, DataError, Trades
from bateia.core.clock import DAY
from bateia.core.events import Ints
from bateia.trading.blocks import Charges, Fills, Orders
from bateia.trading.costs import Costs
from bateia.trading.desk import DeskStream, Snapshot
from bateia.trading.exits import Exits
from bateia.trading.funding import AnyFunding, FixedFunding
from bateia.trading.gauges import GaugeStream, Market
from bateia.trading.latency import AnyLatency, format_latency
from bateia.trading.margin import Margin
from bateia.trading.spread import RollSpread, ShareSpread, TickSpread


class SimulatedBroker(Component):
    """Orders filled by the first trade later than decision time + latency, and exits of its own.

    Orders wait in line: a later decision does not cancel an earlier one. Each carries a target, so a fill
    trades the difference to the position held. Size is not limited by the trade's size: keep `quantity`
    small against the market, or say what its `impact` costs.
    """

    kind: Literal["simulated"] = "simulated"
    costs: Costs
    """What each side costs; required, so that nobody forgets it."""
    latency: AnyLatency
    """From decision to the market; `"0"` still means the *next* trade, never the one decided on."""
    quantity: float = Field(default=1.0, ge=1 / AMOUNT, le=AMOUNT)
    """Contracts or units held at a target of 1."""
    multiplier: float = Field(default=1.0, ge=1 / AMOUNT, le=AMOUNT)
    """Currency per price point per unit (50 for the E-mini S&P)."""
    orders: Literal["market", "passive"] = "market"
    """`passive`: the policy's orders wait at the last price and pay the maker's fee and no spread; filled at
    it by the first trade beyond it, or replaced by the next order. Exits are always market orders."""
    tick: float = Field(default=0.0, ge=0.0, le=AMOUNT)
    """Prices paid are whole ticks, rounded against us; 0: any price."""
    lot: float = Field(default=0.0, ge=0.0, le=AMOUNT)
    """Positions are whole lots, rounded towards 0; 0: any size."""
    min_notional: float = Field(default=0.0, ge=0.0, le=AMOUNT)
    """Orders of less currency are not sent, unless they close the whole position."""
    exits: Exits | None = None
    """When a position is left whatever the policy wants."""
    funding: AnyFunding | None = None
    """What holding a perpetual costs or earns."""
    margin: Margin | None = None
    """A margin account; without one, positions may be of any size."""
    market: Market = Market()
    """How volatility, volume, spread and range are measured, where costs or exits need them."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if isinstance(self.costs.spread, TickSpread) and not self.tick:
            error = ConfigError("a spread in ticks, and no tick", allowed="tick above 0", hint="tick: 0.25")
            raise ValueError(str(error))
        if self.costs.maker_rates and self.orders == "market":
            error = ConfigError("a maker's fee that market orders never pay", hint="orders: passive")
            raise ValueError(str(error))
        return self

    def start(self) -> BrokerStream:
        """A fresh stream: flat, nothing in line."""
        return BrokerStream(self)

    def restore(self, snapshot: Snapshot) -> BrokerStream:
        """The stream as it was when `snapshot()` was taken."""
        return BrokerStream(self, snapshot)

    def fill(self, decision_time: Ints, target: npt.ArrayLike, trades: Trades) -> Fills:
        """Fills of a whole series, from flat; `start()` and `pending` show the orders left unfilled."""
        return self.start().run(decision_time, target, trades)

    def needs(self) -> list[str]:
        """What the costs and exits have to know of the market."""
        costs = self.costs
        needed = (
            ("volatility", costs.slippage_volatility or costs.impact),
            ("volume", costs.impact),
            ("spread", costs.estimate),
            ("range", self.exits and self.exits.by_range),
        )
        return [name for name, wanted in needed if wanted]

    def check(self, trades: Trades) -> None:
        """DataError where the trades lack what the costs need, before anything runs."""
        if "volume" in self.needs() and not (len(trades) and trades.size.max() > 0.0):
            raise DataError(
                "square-root impact needs volume, and no trade has a size",
                allowed="trades with sizes",
                hint="costs: {impact: 0}, or slippage_volatility, which needs none",
            )
        if self.funding is not None and len(trades):
            self.funding.check(int(trades.time[0]), int(trades.time[-1]))

    def gauges(self) -> GaugeStream | None:
        """A stream of what the costs and exits have to know; None if nothing."""
        return self.market.start(isinstance(self.costs.spread, RollSpread)) if self.needs() else None

    def params(self) -> list[float]:
        """The row that the kernel reads, in its order."""
        costs, spread = self.costs, self.costs.spread
        ticks = spread.half * self.tick if isinstance(spread, TickSpread) else 0.0
        share = spread.half_bps * 1e-4 if isinstance(spread, ShareSpread) else 0.0
        fixed = self.funding if isinstance(self.funding, FixedFunding) else None
        return [
            self.quantity,
            self.multiplier,
            costs.fee_per_unit,
            costs.min_fee,
            costs.half_spread + ticks,
            share,
            costs.estimate.scale if costs.estimate else 0.0,
            costs.slippage_bps * 1e-4,
            costs.slippage_volatility * math.sqrt(self.market.every / DAY),
            costs.impact,
            self.tick,
            self.lot,
            self.min_notional,
            float(self.orders == "passive"),
            *(self.exits.params() if self.exits else [0.0] * 8),
            costs.borrow_bps * 1e-4,
            float(fixed.every) if fixed else 0.0,
            fixed.rate_bps * 1e-4 if fixed else 0.0,
        ]

    def describe(self) -> str:
        """Costs and execution in words.

        >>> SimulatedBroker(costs=Costs(fee_bps=4), latency="100ms").describe()
        'fee 4 bp, latency 100ms'
        """
        parts = [self.costs.describe(), f"latency {format_latency(self.latency)}"]
        parts += ["passive orders"] if self.orders == "passive" else []
        parts += [f"tick {self.tick:g}"] if self.tick else []
        parts += [f"lot {self.lot:g}"] if self.lot else []
        parts += [f"minimum notional {self.min_notional:g}"] if self.min_notional else []
        parts += [part.describe() for part in (self.exits, self.funding, self.margin) if part]
        return ", ".join([*parts, self.market.describe()] if self.needs() else parts)


class BrokerStream:
    """A simulated broker in the middle of a day.

    Feed decisions and trades in any cut, provided that no decision comes after a trade that it should have
    met: pass a block's decisions in the same call as its trades (DataError otherwise).
    """

    def __init__(self, broker: SimulatedBroker, snapshot: Snapshot | None = None) -> None:
        self.broker = broker
        self._desk = DeskStream([broker], broker.margin, snapshot)

    @property
    def position(self) -> float:
        """Units held after the last trade fed."""
        return float(self._desk.positions[0])

    @property
    def cash(self) -> float:
        """Currency in the account: from the margin's capital, or from 0."""
        return self._desk.cash

    @property
    def pending(self) -> Orders:
        """Orders decided and not yet filled."""
        return self._desk.pending[0]

    @property
    def charges(self) -> Charges:
        """Funding and borrowing of the last call."""
        return self._desk.charges

    @property
    def refused(self) -> int:
        """Orders that margin, lots or minimum notional left without effect, or that met a liquidation."""
        return self._desk.refused

    def snapshot(self) -> dict[str, npt.NDArray[Any]]:
        """The state as arrays: account, clock, gauges and the orders in line."""
        return self._desk.snapshot()

    def run(self, decision_time: Ints, target: npt.ArrayLike, trades: Trades) -> Fills:
        """The fills of the next decisions (times, targets in units of `quantity`) and the next trades."""
        return self._desk.run([(decision_time, target)], [trades])

    def close(self, time: int, market: float) -> Fills:
        """Bring the position to flat at `market`, with its costs, and settle charges; no fill if flat."""
        return self._desk.close(0, time, market)


AnyBroker = SimulatedBroker
"""Every broker a recipe can name by its `kind`."""
