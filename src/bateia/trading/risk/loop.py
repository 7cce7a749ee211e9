"""The closed loop of risk and simple fills in one kernel: what the account makes of what risk allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bateia.core import Bars, Block, ConfigError, DataError, Trades
from bateia.core.events import Floats, Ints
from bateia.kernels.risk import drive
from bateia.trading.risk.component import Risk, check, column, fresh, market
from bateia.trading.risk.standing import Allowed, Standing


@dataclass(frozen=True, eq=False)
class LoopFills(Block):
    """Executed orders: `row` of the decision (-1: the stop), `time` and price of the trade met, and costs."""

    row: Ints
    time: Ints
    market: Floats
    price: Floats
    quantity: Floats
    position: Floats
    fee: Floats
    cost: Floats


@dataclass(frozen=True, eq=False)
class Replay:
    """The account before each decision, what was allowed, and the fills."""

    standing: Standing
    allowed: Allowed
    fills: LoopFills


def replay(
    risk: Risk,
    bars: Bars,
    target: npt.ArrayLike,
    trades: Trades,
    *,
    capital: float,
    latency: int | npt.ArrayLike = 0,
    fee_rate: float = 0.0,
    fee_per_unit: float = 0.0,
    half_spread: float = 0.0,
    slippage_rate: float = 0.0,
    others: npt.ArrayLike = 0.0,
    **opinion: Any,
) -> Replay:
    """Bar by bar: trades meet the orders and the stop of bars before, then `risk` sees the account.

    A decision of bar i meets the first trade later than its `known_at` (never before an earlier bar's)
    plus `latency` microseconds, one for all or one a bar. Rates are fractions. Costs and equity are those
    of `SimulatedBroker` with fees, half spread and slippage; a stop is filled at the trade that touches it.

    Position left at the end is not closed. Raises as `RiskStream.run` does, and ConfigError for a capital
    that is not positive.
    """
    if not (capital > 0.0 and np.isfinite(capital)):
        raise ConfigError(f"capital is {capital:g}", allowed="a positive amount of currency")
    rows, targets = len(bars), check(bars, target)
    if (np.diff(trades.time) < 0).any():
        raise DataError("trade times go backwards", allowed="trades in time order")
    due = np.maximum.accumulate(bars.known_at) + np.broadcast_to(np.asarray(latency, np.int64), rows)
    # Orders wait in line: none overtakes the one before.
    due = np.maximum.accumulate(due).astype(np.int64) if rows else np.empty(0, np.int64)
    equity, closed = np.empty(rows), np.zeros(rows, np.int8)
    account = Standing(equity, np.empty(rows), equity, column("others", others, rows), closed)
    allowed = Allowed(np.empty(rows), np.empty(rows), np.empty(rows, np.int8))
    ints, floats = np.empty((2, 2 * rows), np.int64), np.empty((2 * rows, 6))
    columns: list[Any] = [*market(bars), targets, *risk.compiled.inputs(rows, **opinion), capital]
    columns += [np.array([fee_rate, fee_per_unit, half_spread, slippage_rate]), due]
    columns += [np.ascontiguousarray(trades.time), np.ascontiguousarray(trades.price)]
    columns += [account.equity, account.position, account.others, account.closed]
    columns += [*allowed.columns().values(), *ints, floats]
    rules: tuple[Any, ...] = (*fresh(), risk.compiled.table, risk.compiled.constants)
    made = drive(*rules, *columns)
    return Replay(account, allowed, LoopFills(*ints[:, :made].copy(), *floats[:made].T.copy()))
