"""A simulated broker: orders meet the market's trades after a delay, at a price against us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from bateia.core import Block, Component, DataError, Trades, format_time
from bateia.core.events import Floats, Ints
from bateia.kernels.fills import fill_orders
from bateia.trading.costs import Costs
from bateia.trading.latency import Latency

Snapshot = Mapping[str, npt.NDArray[Any]]
NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True, eq=False)
class Orders(Block):
    """Orders that wait for a trade: decision `time`, decision `row`, and the `target` they carry."""

    time: Ints
    row: Ints
    target: Floats


@dataclass(frozen=True, eq=False)
class Fills(Block):
    """Executed orders.

    `time` of the trade met, `decided` the decision's time, `row` its row (-1: closed at the end of data),
    `market` the trade's price, `price` what we paid or got, `quantity` signed units, `position` in units
    after the fill, `fee` in currency, `cost` = fee + spread + slippage in currency.
    """

    time: Ints
    decided: Ints
    row: Ints
    market: Floats
    price: Floats
    quantity: Floats
    position: Floats
    fee: Floats
    cost: Floats


class SimulatedBroker(Component):
    """Market orders filled by the first trade later than decision time + latency.

    Orders wait in line: a later decision does not cancel an earlier one. Each carries a target, so a fill
    trades the difference to the position held. Size is not limited by the trade's size: keep `quantity`
    small against the market.
    """

    kind: Literal["simulated"] = "simulated"
    costs: Costs
    """What each side costs; required, so that nobody forgets it."""
    latency: Latency
    """From decision to the market; `"0"` still means the *next* trade, never the one decided on."""
    quantity: float = Field(default=1.0, gt=0.0)
    """Contracts or units held at a target of 1."""
    multiplier: float = Field(default=1.0, gt=0.0)
    """Currency per price point per unit (50 for the E-mini S&P)."""

    def start(self) -> BrokerStream:
        """A fresh stream: flat, nothing in line."""
        return BrokerStream(self)

    def restore(self, snapshot: Snapshot) -> BrokerStream:
        """The stream as it was when `snapshot()` was taken."""
        return BrokerStream(self, snapshot)

    def fill(self, decision_time: Ints, target: npt.ArrayLike, trades: Trades) -> Fills:
        """Fills of a whole series, from flat; `start()` and `pending` show the orders left unfilled."""
        return self.start().run(decision_time, target, trades)

    def close(self, position: float, time: int, market: float) -> Fills:
        """The one fill that brings `position` units to flat at `market`, with its costs."""
        costs, units = self.costs, abs(position)
        away = costs.half_spread + costs.slippage_bps * 1e-4 * market
        fee = costs.fee_bps * 1e-4 * market * units * self.multiplier + costs.fee_per_unit * units
        price = market - away if position > 0 else market + away
        moment, row = np.array([time], np.int64), np.array([-1], np.int64)
        values = (market, price, -position, 0.0, fee, fee + away * units * self.multiplier)
        return Fills(moment, moment.copy(), row, *(np.array([value]) for value in values))


class BrokerStream:
    """A simulated broker in the middle of a day.

    Feed decisions and trades in any cut, provided that no decision comes after a trade that it should have
    met: pass a block's decisions in the same call as its trades (DataError otherwise).
    """

    def __init__(self, broker: SimulatedBroker, snapshot: Snapshot | None = None) -> None:
        self.broker = broker
        self._account = np.zeros(2)  # position in units, last target decided
        self._clock = np.array([NEVER, NEVER, 0], np.int64)  # last trade, last decision, rows seen
        self._line = Orders.empty()
        if snapshot is not None:
            self._account = np.array(snapshot["account"], np.float64)
            self._clock = np.array(snapshot["clock"], np.int64)
            self._line = Orders(*(np.array(snapshot[f"order_{name}"]) for name in ("time", "row", "target")))

    @property
    def position(self) -> float:
        """Units held after the last trade fed."""
        return float(self._account[0])

    @property
    def pending(self) -> Orders:
        """Orders decided and not yet filled."""
        return self._line

    def snapshot(self) -> dict[str, npt.NDArray[Any]]:
        """The state as arrays: account, clock and the orders in line."""
        orders = {f"order_{name}": column.copy() for name, column in self._line.columns().items()}
        return {"account": self._account.copy(), "clock": self._clock.copy(), **orders}

    def run(self, decision_time: Ints, target: npt.ArrayLike, trades: Trades) -> Fills:
        """The fills of the next decisions (times, targets in units of `quantity`) and the next trades."""
        times = np.ascontiguousarray(decision_time, np.int64)
        targets = np.ascontiguousarray(target, np.float64)
        self._check(times, targets, trades)
        self._enqueue(times, targets)
        line = self._line
        at, met = np.empty(len(line), np.int64), np.empty(len(line), np.int64)
        floats = [np.empty(len(line)) for _ in range(6)]
        broker, costs = self.broker, self.broker.costs
        done, made = fill_orders(
            self._account[:1],
            line.time,
            line.target,
            np.ascontiguousarray(trades.time),
            np.ascontiguousarray(trades.price),
            broker.latency,
            broker.quantity,
            broker.multiplier,
            costs.fee_bps * 1e-4,
            costs.fee_per_unit,
            costs.half_spread,
            costs.slippage_bps * 1e-4,
            at,
            met,
            *floats,
        )
        if len(trades):
            self._clock[0] = trades.time[-1]
        self._line = Orders(*(column[done:].copy() for column in line.columns().values()))
        at = at[:made]
        rest = [column[:made].copy() for column in floats]
        return Fills(met[:made].copy(), line.time[at], line.row[at], *rest)

    def _enqueue(self, times: Ints, targets: Floats) -> None:
        before = np.concatenate([self._account[1:], targets[:-1]]) if len(targets) else targets
        rows = np.flatnonzero(targets != before)
        new = Orders(times[rows], rows + self._clock[2], targets[rows])
        self._line = Orders.concat([self._line, new])
        self._clock[2] += len(times)
        if len(times):
            self._clock[1], self._account[1] = times[-1], targets[-1]

    def _check(self, times: Ints, targets: Floats, trades: Trades) -> None:
        if len(times) != len(targets):
            raise DataError(
                f"{len(times)} decision times and {len(targets)} targets", allowed="one target per time"
            )
        if not np.isfinite(targets).all():
            raise DataError("a target is not a finite number", allowed="-1, 0, 1", hint="Threshold(...).run")
        for name, column, last in (("decision", times, 1), ("trade", trades.time, 0)):
            if len(column) and (column[0] < self._clock[last] or (np.diff(column) < 0).any()):
                raise DataError(f"{name} times go backwards", allowed=f"{name}s in time order, blocks too")
        if len(times) and times[0] + self.broker.latency < self._clock[0]:
            raise DataError(
                f"a decision of {format_time(int(times[0]))} comes after a trade that it should have met",
                allowed="each decision no later than the trades after it",
                hint="feed a block's decisions and trades in one call",
            )


AnyBroker = SimulatedBroker
"""Every broker a recipe can name by its `kind`."""
